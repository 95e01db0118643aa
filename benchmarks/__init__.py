"""Programs that measure what the documentation claims, as ratios within one run."""
