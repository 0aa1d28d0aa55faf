"""Where Image Factory keeps its plugins."""
