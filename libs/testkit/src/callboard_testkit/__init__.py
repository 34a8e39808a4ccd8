"""Real servers and honest tokens for the tests: started on free ports, ended by pid, nothing left behind."""
