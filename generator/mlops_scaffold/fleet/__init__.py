"""Many repositories of one template: what each needs, and the branch and request that bring it there.

No database: the state is fleet.yml, a branch in each repository, and the request for it.
"""
