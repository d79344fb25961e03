"""The administrator's page: the prompt's use-cases in a browser.

Starlette, uvicorn and Jinja2 (extra ``web``). Nothing of it is imported on the way to
the prompt.
"""
