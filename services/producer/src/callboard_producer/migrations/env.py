from callboard_servicekit.migrations import run_environment

from callboard_producer.tables import Base

run_environment(Base.metadata)
