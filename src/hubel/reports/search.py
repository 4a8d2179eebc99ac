"""The page of a search."""
def search_page(facts): return "<!doctype html>"
