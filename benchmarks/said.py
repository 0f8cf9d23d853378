"""Synthetic reports: what is said (made up), in the places of the synthetic city, in the mixture of a hotline."""

from random import Random
from typing import Any
from uuid import UUID

from shiyu.directory.gazetteer import Gazetteer

TROUBLES = (
    "3号楼2单元楼梯扶手缺失，老人上下楼容易摔倒，请尽快安装。",
    "楼道里的灯坏了半个多月，晚上回家什么都看不见。",
    "小区门口路面有一个大坑，昨天有电动车在那里摔倒了。",
    "井盖丢失，孩子放学都从那里走，非常危险。",
    "暖气不热，家里只有十五度，老人和孩子都冻感冒了。",
    "垃圾堆了三天没有人清运，味道很大，苍蝇很多。",
    "楼下烧烤店半夜还在露天营业，油烟和噪音让人没法睡觉。",
    "自来水发黄已经一周了，打电话给自来水公司没有人管。",
    "下水道堵塞，污水从一楼反上来，流到了院子里。",
    "有人在绿化带里种菜施肥，臭味很大，希望管一管。",
    "路灯不亮，从学校到小区这一段晚上一片漆黑。",
    "建筑垃圾倒在河边没有人管，下雨就冲进河里。",
    "消防通道被私家车堵死，救护车昨天进不来。",
    "电梯一个月坏了四次，昨天又把人关在里面半个小时。",
    "请问新生儿的医保怎么办理，需要带什么材料？",
    "公交车改线以后老人去医院要换两次车，建议恢复原来的站点。",
    "工地凌晨两点还在施工，吵得整栋楼都睡不着。",
    "楼顶漏水，屋里墙皮都掉了，物业说没有维修基金。",
    "流浪狗成群，昨天咬伤了一个小学生。",
    "拖欠了我们三个月的工资，老板电话不接。",
)
"""What is said of; the last of a text tells where."""
FAMILIES = "王李张刘陈杨赵黄周吴"


class Reporter:
    """Makes reports one after the other, the same ones for the same seed."""

    def __init__(self, places: Gazetteer, seed: str = "") -> None:
        self.random = Random(seed)
        self.communities = [node for node in places.nodes if node.level == "community" and node.ended is None]
        self.points = [
            (node.lon, node.lat) for node in places.nodes if node.level == "grid" and node.lon is not None and node.lat
        ]
        self.places = places

    def report(self) -> dict[str, Any]:
        """The body of one report: seven of ten with a position, the others by the name of the place; eight of ten with a name."""
        random = self.random
        body: dict[str, Any] = {
            "key": str(UUID(int=random.getrandbits(128), version=4)),
            "text": random.choice(TROUBLES),
            "phone": f"138{random.randrange(10**8):08}",
        }
        if random.random() < 0.7:
            lon, lat = random.choice(self.points)
            body["position"] = {"lon": lon + random.gauss(0, 2e-4), "lat": lat + random.gauss(0, 2e-4)}
        else:
            at = random.choice(self.communities)
            body["text"] = f"{self.places.lineage(at.id).name}{body['text']}"
        if random.random() < 0.8:
            body["name"] = random.choice(FAMILIES) + "某某"
        return body
