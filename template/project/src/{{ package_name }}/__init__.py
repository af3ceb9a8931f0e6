"""{{ description }}"""

import mlops_kit  # noqa: F401  before numpy: it says how threads wait, and knows the names of older versions
