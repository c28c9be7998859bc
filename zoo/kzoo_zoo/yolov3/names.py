"""Names of classes: those of COCO and of Pascal VOC."""

from __future__ import annotations

__all__ = ["COCO_NAMES", "VOC_NAMES"]

COCO_NAMES = tuple(
    """person,bicycle,car,motorbike,aeroplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,parking meter,
bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,suitcase,frisbee,skis,
snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,wine glass,cup,fork,
knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,sofa,pottedplant,bed,
diningtable,toilet,tvmonitor,laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,refrigerator,book,
clock,vase,scissors,teddy bear,hair drier,toothbrush""".replace("\n", "").split(",")
)
"""The 80 classes of COCO as Darknet calls them, in its order."""

VOC_NAMES = tuple(
    """aeroplane,bicycle,bird,boat,bottle,bus,car,cat,chair,cow,diningtable,dog,horse,motorbike,person,pottedplant,sheep,
sofa,train,tvmonitor""".replace("\n", "").split(",")
)
"""The 20 classes of Pascal VOC, in their order."""
