"""{{ description }}"""

import mlops_kit  # noqa: F401  must come before numpy: it sets how OpenMP's threads wait
