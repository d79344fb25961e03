"""Keys and certificates in memory: the only room that imports ``cryptography``.

It opens no file and has never heard of trust lists. ``model`` imports nothing heavy;
the backends are ``verify`` (RSA only, for ``show itl``), ``certificates``,
``credential`` and ``pkcs12``.
"""
