"""An asyncio service without Temporal: `python -m examples.plain_asyncio`."""
