"""What a city says in a few hours: reports of several kinds from several places, some of them dealt with."""

from uuid import uuid4

from shiyu.kernel import clock
from tests.kit.people import Person, a_report, citizen, staff

TEXTS = (
    "铁东区乐雪社区3号楼2单元楼梯扶手缺失，老人上下楼容易摔倒，请尽快安装。",
    "铁西区小区门口路灯不亮三天了，晚上看不见路。",
    "海城市供暖温度只有十五度，老人孩子受不了。",
    "立山区楼下垃圾没有人清运，气味很大。",
    "台安县自来水停了两天没有通知。",
)


def report(agent: Person, text: str, **more: object) -> dict[str, object]:
    """One report at the telephone."""
    return agent.post("/api/reports", {"key": str(uuid4()), "text": text, "phone": "13804120001", **more})


def a_morning(day: str = "2026-03-02", n: int = 10) -> list[dict[str, object]]:
    """``n`` reports from eight o'clock on; the first about a handrail is dealt with and judged at four."""
    told = []
    with clock.at(f"{day} 08:00"):
        agent = staff("agent")
        told = [report(agent, TEXTS[index % len(TEXTS)]) for index in range(n)]
        someone = citizen()
        mine = someone.post("/api/public/reports", a_report())
    with clock.at(f"{day} 16:00"):
        office = staff("handle.210302-zhujian")
        office.act(mine["no"], "sign")
        office.act(mine["no"], "reply", text="扶手已安装完毕。")
        asked = {"no": mine["no"], "token": mine["token"], "solved": True, "satisfied": 5}
        someone.post("/api/public/call_back", asked)
    return [*told, mine]
