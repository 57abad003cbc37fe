"""The Studio: data sets, trainings and models made on this machine, as folders. It reads them, and starts and ends the processes that write them."""
