from callboard_servicekit.migrations import run_environment

from callboard_social.tables import Base

run_environment(Base.metadata)
