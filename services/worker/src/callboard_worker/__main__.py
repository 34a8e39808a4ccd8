from callboard_worker.cli import main

main()
