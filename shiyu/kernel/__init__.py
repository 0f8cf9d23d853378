"""地基 — what any honest system needs; knows nothing of cities.

config    settings from the environment                 clock      the only ``now()``
errors    ``Refusal``: status, sentence, named field    words      labels and sentences, Chinese and English
db        engine, ``Base``, ``transaction()``, pages    embedded   a private PostgreSQL when none is named
events    ``publish``, ``@listens``, timeline           jobs       ``@job``, ``@every``
lifecycle ``Move``, ``Lifecycle``: a life as one table  auth       accounts, roles as relations, sign-in
audit     who looked at what and why, sealed in a chain vault      personal data sealed, masked, found blind
files     photos and documents, kept by content         web        what every route needs
"""
