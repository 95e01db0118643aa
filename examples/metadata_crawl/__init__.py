"""A metadata crawl as a Temporal worker, profiled: `make demo`."""
