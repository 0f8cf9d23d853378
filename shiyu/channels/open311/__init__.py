"""开放接口 — a server of Open311 GeoReport v2 (http://wiki.open311.org/GeoReport_v2) and of its service discovery.

format     two forms of one answer, JSON and XML; faults as the specification says
services   which matters are offered, with their attributes
requests   a request becomes a case; what the public may read of cases
api        the addresses

**What anybody may read** of a case: number, state, matter, responsible office, times, the community it lies in and a place rounded to
about a hundred metres; never who spoke, never what was said. Cases that are confidential, tip-offs (举报), of a drill,
parts of another case, or of a matter that is not offered are not there at all. Who shows the key with which a request was sent (``api_key`` in the query) reads
for that request its own description, numbers of people masked, with the address and place as they were sent.
"""
