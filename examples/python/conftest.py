pytest_plugins = ["attache_sandbox"]
