# Gives the Python program that is started with this folder in PYTHONPATH a wall clock of its own: the machine's, off by
# the seconds in the file "clock" of its host's folder. So the clock of one host of the test fleet can be set back.
import os
import time

_machine_time = time.time
_off_file = os.path.join(os.environ["FLEET_HOST_DIR"], "clock")


def _own_time():
    try:
        with open(_off_file) as off:
            return _machine_time() + float(off.read())
    except OSError:
        return _machine_time()


time.time = _own_time
