"""How explainers behave, seen from the process that looks after the one they run in.

The witness stands beside their code and writes marks into what that process prints; the lookout, outside, reads them:
it knows who is at work and who printed what, whatever becomes of the process. What went wrong is kept by version.
"""

from .faults import Fault, Faults
from .limits import grace, limits
from .lookout import Lookout, Told, Work
from .origin import Origin
from .witness import OutOfTime, Witness, at_work, leave_out, left_out, overheard, tell, tell_failure

__all__ = [
    "Fault",
    "Faults",
    "Lookout",
    "Origin",
    "OutOfTime",
    "Told",
    "Witness",
    "Work",
    "at_work",
    "grace",
    "leave_out",
    "left_out",
    "limits",
    "overheard",
    "tell",
    "tell_failure",
]
