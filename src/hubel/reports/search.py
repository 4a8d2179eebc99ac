"""stub"""
def search_page(facts): return "<html></html>"
