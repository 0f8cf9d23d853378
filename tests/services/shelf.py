"""The words of these tests: an entry as it is sent, and an entry that has gone the whole way to its readers."""

from typing import Any

from tests.kit.people import Person, staff

OFFICE = "210302-zhujian"
OWNER = f"handle.{OFFICE}"
OTHER = "handle.210302-canlian"
CARD = "社会保障卡丢失后怎么补办？"


def words(**more: Any) -> dict[str, Any]:
    """The content of an entry."""
    return {
        "title": CARD,
        "answer": "先电话挂失，再到任一合作银行网点或社保服务窗口补办。补办一般当场制卡。",
        "steps": ["电话或手机挂失", "带身份证到网点", "当场领新卡"],
        "keywords": ["社保卡丢了", "补办社保卡"],
        "sources": [{"title": "补办说明（演示）", "reference": "演示资料一号"}],
        "valid_from": "2026-01-01",
        **more,
    }


def draft(by: Person | None = None, **more: Any) -> dict[str, Any]:
    """A draft of the office."""
    return (by or staff(OWNER)).post("/api/knowledge", {"org": OFFICE, **words(**more)}, 201)


def act(by: Person, entry: dict[str, Any], verb: str, status: int = 200, **brought: Any) -> Any:
    """One verb on an entry, as it was last seen."""
    return by.post(f"/api/knowledge/{entry['no']}/{verb}", {"version": entry["version"], **brought}, status)


def published(**more: Any) -> dict[str, Any]:
    """Written by the office, sent to review, published by the centre."""
    return act(staff("dispatcher"), act(staff(OWNER), draft(**more), "submit"), "publish")
