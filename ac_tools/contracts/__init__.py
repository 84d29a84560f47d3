"""What each of the 29 endpoints was known to send and to take, as JSON Schemas, and how a reply differs from it.

`endpoints/` has a file for each endpoint, named as its tool, with a schema in `$defs` for its query, its request and
each status that it answers; what they share is in `shared.json`. Any JSON Schema library can use them. Beyond the
standard (draft 2020-12) they say:

* `x-known-as-of`, `x-evidence`: the day up to which this was known to be so, and whether it was recorded or
  documented; a part without its own has those of the whole.
* `x-order`: keys that come in this order, as far as they come.
* `x-echo`: keys that come back in the record if the request had them.

Objects are open: a key that is not named is new, which is worth knowing and no fault.
"""

from ac_tools.contracts._contract import Contract, Known, contract_for, contracts
from ac_tools.contracts._differences import Difference, DriftWarning, Kind

__all__ = ["Contract", "Difference", "DriftWarning", "Kind", "Known", "contract_for", "contracts"]
