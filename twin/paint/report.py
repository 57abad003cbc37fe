"""What can be said of a face in a picture before anything is built from it: what is good, what could be better, and what to do about it."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from .faces import Found
from .picture import Picture
from .topology import LEFT, OVAL, RIGHT

UNIT = 64                # px between the irises in the view that is judged


@dataclass(frozen=True)
class Remark:
    """One finding. None of them forbids building; "bad" says that the result will disappoint."""
    code: str
    level: Literal["good", "warn", "bad"]
    en: str
    zh: str


def report(picture: Picture, found: Found) -> list[Remark]:
    """Size, sharpness, light, turn, mouth, eyes, glasses and covering of a face; the worst first."""
    out = []
    if "animated" in picture.notes:
        out.append(Remark("animated", "warn", "The file is animated: its first picture is used.", "这是动图：使用第一帧。"))
    if found.points is None:
        out.append(Remark("points", "bad", "A face was found, but not its eyes, nose and mouth: it is turned far away, covered or too small. "
                          "Place the points by hand, or take another photo.",
                          "找到了脸，但没有找到眼、鼻、口：可能侧得太多、被遮住或太小。请手动放置标记，或换一张照片。"))
        return out
    points = found.points.astype(float)
    view, seen = _view(picture.pixels, points)
    judged = [_size(found.unit), _sharpness(view, found.unit), _light(view, seen), _turn(points), _mouth(points)]
    if not found.by_hand:
        judged += [_eyes(seen, points), _glasses(view, seen), _covered(view, seen)]
    order = {"bad": 0, "warn": 1, "good": 2}
    return out + sorted(judged, key=lambda remark: order[remark.level])


def _view(pixels: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The face levelled with its irises UNIT px apart, uint8 [320, 256, 3], and its points in that."""
    left, right = points[468, :2], points[473, :2]
    way = right - left
    k = UNIT / max(float(np.linalg.norm(way)), 1e-6)
    cos, sin = way / max(float(np.linalg.norm(way)), 1e-6)
    turned = k * np.array([[cos, sin], [-sin, cos]])
    matrix = np.column_stack([turned, np.array([128, 130]) - turned @ (left + right) / 2])
    scale = k
    while scale < 0.5:
        pixels = cv2.resize(pixels, (pixels.shape[1] // 2, pixels.shape[0] // 2), interpolation=cv2.INTER_AREA)
        matrix = matrix @ np.diag([2.0, 2.0, 1.0])
        scale *= 2
    view = cv2.warpAffine(pixels, matrix, (256, 320), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    flat = points[:, :2] @ turned.T + (np.array([128, 130]) - turned @ (left + right) / 2)
    return view, flat


def _size(unit: float) -> Remark:
    if unit >= 60:
        return Remark("size", "good", f"The face is large enough ({unit:.0f} px between the eyes).", f"脸足够大（两眼相距 {unit:.0f} 像素）。")
    if unit >= 25:
        return Remark("size", "warn", f"The face is rather small ({unit:.0f} px between the eyes): it will look soft. 60 or more are sharp.",
                      f"脸偏小（两眼相距 {unit:.0f} 像素），会显得柔和；60 像素以上才清晰。")
    return Remark("size", "bad", f"The face is tiny ({unit:.0f} px between the eyes): it will look blurred. Choose a picture taken from nearer.",
                  f"脸太小（两眼相距 {unit:.0f} 像素），会很模糊。请换一张近一些的照片。")


def _sharpness(view: np.ndarray, unit: float) -> Remark:
    grey = cv2.cvtColor(view, cv2.COLOR_RGB2GRAY).astype(np.float32)[60:260, 50:206]
    fine = float(cv2.Laplacian(grey, cv2.CV_32F)[2:-2, 2:-2].std()) / max(float(grey.std()), 8.0)
    if unit < 40 or fine > 0.09:
        return Remark("sharpness", "good", "The picture is sharp." if unit >= 40 else "The picture is as sharp as its size allows.", "照片清晰。")
    return Remark("sharpness", "warn" if fine > 0.045 else "bad", "The face is blurred. Hold the camera still, wipe its lens, and let it focus on the eyes.",
                  "脸部模糊。请拿稳相机、擦净镜头，对焦在眼睛上。")


def _light(view: np.ndarray, seen: np.ndarray) -> Remark:
    grey = cv2.cvtColor(view, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float32)
    face = _mask(seen[list(OVAL)])
    values = grey[face > 0] if face.any() else grey.ravel()
    middle = float(np.median(values))
    left, right = (float(np.median(_patch(grey, seen[i], 9))) for i in (50, 280))
    if middle < 62:
        return Remark("light", "warn", "The face is dark. Turn towards a window or a lamp.", "脸部偏暗。请面向窗户或灯光。")
    if (values > 250).mean() > 0.12:
        return Remark("light", "warn", "The face is overexposed: its brightest places are plain white. Use softer light.",
                      "脸部过曝，亮处一片白。请用柔和的光。")
    if max(left, right) > 1.75 * max(min(left, right), 1):
        return Remark("light", "warn", "The light comes from one side: half the face is in shadow. It works, but even light looks better.",
                      "光从一侧来，半边脸在阴影里。可以用，但均匀的光更好看。")
    return Remark("light", "good", "The light is fine.", "光线良好。")


def turn_of(points: np.ndarray) -> tuple[float, float]:
    """Yaw and pitch of a face in degrees; yaw > 0: it looks to the picture's right, pitch > 0: up. Rough."""
    across = points[454] - points[234]
    down = points[152] - points[10]
    yaw = np.degrees(np.arctan2(across[2], np.hypot(across[0], across[1])))
    pitch = np.degrees(np.arctan2(down[2], np.hypot(down[0], down[1])))
    return float(yaw), float(pitch)


def _turn(points: np.ndarray) -> Remark:
    yaw, pitch = turn_of(points)
    most = max(abs(yaw), 0.9 * abs(pitch))
    if most < 18:
        return Remark("turn", "good", "The face looks straight ahead.", "脸正对前方。")
    if most < 38:
        return Remark("turn", "warn", f"The head is turned by about {most:.0f}°. It works; straight ahead looks best.",
                      f"头转了约 {most:.0f}°。可以用，正对镜头最好。")
    return Remark("turn", "bad", f"The head is turned far away (about {most:.0f}°): the hidden side of the face can't move well. Look into the camera.",
                  f"头转得太多（约 {most:.0f}°），看不见的一侧难以动起来。请看向镜头。")


def _mouth(points: np.ndarray) -> Remark:
    gap = float(np.linalg.norm(points[14, :2] - points[13, :2]) / max(float(np.linalg.norm(points[473] - points[468])), 1.0))
    if gap < 0.05:
        return Remark("mouth", "good", "The mouth is closed.", "嘴是闭着的。")
    if gap < 0.35:
        return Remark("mouth", "warn", "The mouth is open. It can be closed, but closed lips in the photo look best.",
                      "嘴是张开的。可以合上，但照片里闭着嘴效果最好。")
    return Remark("mouth", "bad", "The mouth is wide open: closing it stretches the skin. Choose a photo with a quieter face.",
                  "嘴张得很大，合上会拉扯皮肤。请选表情更平静的照片。")


def _eyes(seen: np.ndarray, points: np.ndarray) -> Remark:
    open_ = min(float(np.linalg.norm(seen[list(side.upper)][2:7] - seen[list(side.lower)][2:7], axis=1).mean()
                      / max(float(np.linalg.norm(seen[side.upper[0]] - seen[side.upper[-1]])), 1.0)) for side in (RIGHT, LEFT))
    if open_ < 0.13:
        return Remark("eyes", "warn", "The eyes look closed: they would have to be invented. Choose a photo with open eyes.",
                      "眼睛像是闭着的，只能凭空补画。请选睁眼的照片。")
    return Remark("eyes", "good", "The eyes are open.", "眼睛是睁开的。")


def _glasses(view: np.ndarray, seen: np.ndarray) -> Remark:
    lab = cv2.cvtColor(view, cv2.COLOR_RGB2LAB).astype(np.float32)
    cheek = float(np.median(np.concatenate([_patch(lab[..., 0], seen[i], 7).ravel() for i in (205, 425, 50, 280)])))
    dark = []
    for side in (RIGHT, LEFT):
        ring = seen[[*side.above, *side.bag[::-1]]]
        part = lab[..., 0][_mask(ring) > 0]
        dark.append(float((part < 0.55 * cheek).mean()) if len(part) else 0.0)
    if min(dark) > 0.72 and cheek > 50:
        return Remark("glasses", "bad", "Sunglasses hide the eyes: they can't blink or look. Take them off.",
                      "墨镜遮住了眼睛，无法眨眼和注视。请摘下。")
    grey = cv2.GaussianBlur(lab[..., 0], (0, 0), 0.8)
    rise = np.abs(cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 8 / max(cheek, 30) * 100
    bridge = rise[int(seen[168, 1]) - 6:int(seen[195, 1]), int(seen[168, 0]) - 5:int(seen[168, 0]) + 6]
    under = [rise[int(seen[i, 1]) - 4:int(seen[i, 1]) + 12, int(seen[i, 0]) - 9:int(seen[i, 0]) + 10] for i in (230, 450)]
    line = float(bridge.max(0).mean()) if bridge.size else 0.0
    frame = float(np.mean([part.max(0).mean() for part in under if part.size] or [0.0]))
    if line > 9 and frame > 7:
        return Remark("glasses", "warn", "There seem to be glasses. They work, but stay stiff on the skin; without them the eyes live more.",
                      "好像戴着眼镜。可以用，但镜框会贴在皮肤上；不戴眼镜眼神更生动。")
    return Remark("glasses", "good", "No glasses in the way.", "没有眼镜遮挡。")


def _covered(view: np.ndarray, seen: np.ndarray) -> Remark:
    lab = cv2.cvtColor(view, cv2.COLOR_RGB2LAB).astype(np.float32)

    def tone(*index: int) -> np.ndarray:
        return np.median(np.concatenate([_patch(lab, seen[i], 5).reshape(-1, 3) for i in index]), axis=0)

    skin = tone(50, 280, 118, 347, 101, 330)
    away = [float(np.hypot(*(tone(*index) - skin)[1:]) + 0.15 * abs((tone(*index) - skin)[0])) for index in ((164, 1), (200, 199), (192, 416), (214, 434))]
    half = abs(float((tone(50, 118, 101) - tone(280, 347, 330))[1:] @ np.array([0.7, 0.7])))
    if sorted(away)[1] > 24 or half > 26:
        return Remark("covered", "warn", "Something seems to cover part of the face (a hand, a mask, a scarf, hair). What is covered can't move well.",
                      "好像有东西遮住了部分脸（手、口罩、围巾或头发）。被遮住的部分难以动起来。")
    return Remark("covered", "good", "Nothing covers the face.", "脸没有被遮挡。")


def _mask(ring: np.ndarray) -> np.ndarray:
    return cv2.fillPoly(np.zeros((320, 256), np.uint8), [np.round(ring).astype(np.int32)], 1)


def _patch(picture: np.ndarray, place: np.ndarray, reach: int) -> np.ndarray:
    h, w = picture.shape[:2]
    x, y = int(np.clip(place[0], reach, w - reach - 1)), int(np.clip(place[1], reach, h - reach - 1))
    return picture[y - reach:y + reach + 1, x - reach:x + reach + 1]
