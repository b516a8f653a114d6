"""The code of a job's parent, as it is when this is loaded: a job may wait for its turn for days, and an upgrade may
replace the files meanwhile. Nor does Python compile it each time, as it does with a script.
"""

import marshal
from importlib.abc import InspectLoader
from types import CodeType, ModuleType
from typing import cast

from workbench.compute import job_log, job_parent

#: What Python runs: modules come over stdin, the last of which is the parent.
PROGRAM = """
import marshal, sys
given = open(0, "rb", closefd=False)
for name, code in marshal.load(given):
    module = sys.modules[name] = type(sys)(name)
    exec(code, module.__dict__)
module.main(sys.argv[1:], given)
"""


def _code_of(module: ModuleType) -> tuple[str, CodeType | None]:
    name = module.__name__
    return name.rpartition(".")[2], cast("InspectLoader", module.__loader__).get_code(name)


#: What it is given, less than a pipe takes at once.
MODULES = marshal.dumps([_code_of(job_log), _code_of(job_parent)])
