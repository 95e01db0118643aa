"""Call adapters: how a callable of each kind is wrapped, stepped and marked."""
