"""Folders of pictures as people have them: read right, or refused with what was seen; and nothing dropped uncounted."""

import itertools
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import SCRIPT, png, refused, refuses, same_rows, training, whole, write_images
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from linclf import ConfigError, DataError, load_dataset
from linclf.data.readers.pictures import ENDINGS, FORMATS
from linclf.report.build import sole_writer
from linclf.studies.study import make_split, split_rows


def draw(folder, n=4, seed=0, size=(5, 4)):
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        pixels = np.random.default_rng(seed + i).integers(0, 255, (size[1], size[0], 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")


def pets(root, names=("cat", "dog"), size=(5, 6)):
    """Six pictures of each class, another file at each place."""
    for k, name in enumerate(names):
        draw(root / name, 6, seed=10 * k + (100 if "train" in root.name.lower() else 0), size=size)
    return root


def counts(data):
    return {part: dict(zip(data.class_names, n.tolist(), strict=True)) for part, n in data.counts().items()}


# Pixels


@pytest.mark.parametrize(("mode", "channels"), [("RGB", 3), ("L", 1)])
def test_folders_give_their_pixels_and_names(tmp_path, mode, channels):
    made = write_images(tmp_path / "pets", mode=mode)
    data = load_dataset(tmp_path / "pets")
    assert data.test_images.shape == (12, 6, 5, channels)
    assert data.class_names == (SCRIPT.replace("/", "∕"), "cat", "dog & <b>")
    wanted = np.stack([pixels for path, pixels in sorted(made.items()) if "train" in path.parts])
    same_rows(training(data), (wanted, np.repeat([0, 1, 2], 4)))
    for source, image in zip(data.test_sources, data.test_images, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "pets" / source)).reshape(image.shape), image)


def alike(root, image, ending="png", **options):
    """What is read of a folder of one picture, twelve times."""
    for i in range(12):
        (root / "ab"[i % 2]).mkdir(exist_ok=True)
        image.save(root / "ab"[i % 2] / f"{i}.{ending}", **options)
    return load_dataset(root).test_images


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_a_viewer_shows_them(tmp_path, orientation):
    shown = np.zeros((6, 4, 3), np.uint8)
    shown[:3, :2] = 255
    undo = [None, None, 0, 3, 1, 5, 2, 6, 4][orientation]  # Pillow's Transpose that stores it so
    stored = Image.fromarray(shown)
    stored = stored if undo is None else stored.transpose(Image.Transpose(undo))
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(alike(tmp_path, stored, exif=exif)[0], shown)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white(tmp_path, mode):
    options = {"transparency": 0} if mode == "P" else {}
    assert (alike(tmp_path, Image.new(mode, (5, 6), 0), **options) == 255).all()


def test_pictures_of_all_sizes_are_cropped_to_their_middle_and_resized(tmp_path):
    wide = np.zeros((40, 80, 3), np.uint8)
    wide[:, 20:60] = 200  # the middle square
    pets(tmp_path, size=(30, 70))
    for name in ("cat", "dog"):
        Image.fromarray(wide).save(tmp_path / name / "wide.png")
    refused(tmp_path, "give an image size (--image-size 32)")
    data = load_dataset(tmp_path, image_size=8)
    images, _ = whole(data)
    assert images.shape[1:] == (8, 8, 3)
    assert (images == 200).all((1, 2, 3)).sum() == 2
    assert "resized to 8 x 8 pixels, from originals of 30 x 70 to 80 x 40" in data.provenance.describe()
    assert load_dataset(f"{tmp_path}:8").provenance == data.provenance
    for size in (0, -1, 5000):
        refused(tmp_path, "expected an image size of 1 to 1024", error=ConfigError, image_size=size)


def test_of_animated_pictures_the_first_counts_and_deep_ones_are_refused(tmp_path):
    pets(tmp_path)
    first, second = Image.new("RGB", (5, 6), "red"), Image.new("RGB", (5, 6), "blue")
    first.save(tmp_path / "cat" / "0.gif", save_all=True, append_images=[second])
    Image.new("L", (5, 6)).save(tmp_path / "cat" / "grey.jpg")  # beside ones in colour
    data = load_dataset(tmp_path)
    assert (whole(data)[0] == np.array([255, 0, 0])).all((1, 2, 3)).sum() == 1
    assert "Of 1 animated files, or of several pages, the first picture counts." in data.provenance.describe()
    (tmp_path / "cat" / "deep.ppm").write_bytes(b"P6 5 6 65535\n" + bytes(180))
    refused(tmp_path, "deep.ppm: expected 8 bits per pixel and channel")


def test_every_ending_that_pillow_reads_as_a_picture_is_known():
    Image.init()
    known = {ending for ending, kind in Image.registered_extensions().items() if kind in FORMATS}
    assert known - {".mpo"} <= ENDINGS
    assert not {".eps", ".ps", ".wmf", ".emf", ".txt", ".ini", ".csv", ".json"} & ENDINGS


def test_heic_pictures_are_read_where_pillow_can_and_else_there_is_advice(tmp_path, monkeypatch):
    heif = pytest.importorskip("pillow_heif")
    pixels = np.zeros((16, 24, 3), np.uint8)
    pixels[:, 12:] = 200
    turned = Image.Exif()
    turned[0x0112] = 6
    images = alike(tmp_path, heif.from_pillow(Image.fromarray(pixels)), "HEIC", quality=-1, exif=turned.tobytes())
    assert images.shape[1:] == (24, 16, 3)
    assert images[0, 12:].mean() > 150 > 50 > images[0, :12].mean()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    refused(tmp_path, "HEIC pictures need pillow-heif: pip install ", " or convert them to JPEG", error=ConfigError)


# Folders


@pytest.mark.parametrize("word", ["val", "Valid", "VALIDATION"])
def test_validation_pictures_validate(tmp_path, word):
    pets(tmp_path / "Train")
    alone = load_dataset(tmp_path).provenance
    pets(tmp_path / word)
    data = load_dataset(tmp_path)
    assert data.counts()["validation"].tolist() == [6, 6]
    drawn = {np.asarray(Image.open(file)).tobytes() for file in (tmp_path / word).rglob("*.png")}
    assert {image.tobytes() for image in data.validation_images} == drawn
    assert not drawn & {image.tobytes() for image in training(data)[0]}
    for split, n_train in (("full", 10), ("batch", 2)):
        cut = split_rows(split, data, 1)
        assert (len(cut.train), len(cut.validation)) == (n_train, 12)
        np.testing.assert_array_equal(make_split(data, cut).validation[1], data.validation_labels)
    assert alone.sha256 != data.provenance.sha256


@pytest.mark.parametrize("name", ["train", "مي‌خواهم", "cafe\u0301", "👩‍🌾", "क्षि", "𐀀"])
def test_class_names_are_of_any_script_and_may_be_that_of_a_part(tmp_path, name):
    data = load_dataset(pets(tmp_path, names=("bus", "car", name)))
    assert "caf\u00e9" in data.class_names or name in data.class_names


@pytest.mark.parametrize("out", ["reports/latest", "report", "cat/report", "."])
def test_a_report_among_the_pictures_is_passed_over(tmp_path, out):
    wanted = load_dataset(pets(tmp_path)).provenance
    with sole_writer(tmp_path / out):
        for at in ("runs/a.npz", "index.html", "summary.png"):
            (tmp_path / out / at).parent.mkdir(exist_ok=True)
            if out != "." or at != "summary.png":
                Image.new("RGB", (5, 6)).save(tmp_path / out / at, format="PNG")
        again = load_dataset(tmp_path).provenance
    assert (again.sha256, again.name) == (wanted.sha256, wanted.name)
    assert "files of reports" in again.found


def test_pictures_without_labels_are_said_to_be_that(tmp_path):
    pets(tmp_path / "train")
    draw(tmp_path / "test", 1, size=(5, 6))
    data = load_dataset(tmp_path)
    assert "Passed over: 1 pictures for test without labels, in no folder of a class." in data.provenance.describe()
    (tmp_path / "empty" / "train").mkdir(parents=True)
    refused(tmp_path / "empty", "train: expected image files, found none")
    pets(tmp_path / "flat" / "test")
    draw(tmp_path / "flat" / "train", 1)
    refused(tmp_path / "flat", "train: expected a folder for each class, found 1 pictures in no such folder")
    pets(tmp_path / "a" / "train")
    (bird := pets(tmp_path / "a" / "test") / "bird").mkdir()
    refused(tmp_path / "a", "bird: expected image files, found none")
    draw(bird, size=(5, 6))
    refused(tmp_path / "a", "bird: expected a class of training")


def grow(root, folders):
    """Four pictures in each folder of a pattern such as "{train,test}/{cat,dog}"."""
    for names in itertools.product(*(part.split(",") for part in re.findall(r"{(.*?)}", folders))):
        draw(root.joinpath(*names))


PARTS = """training_set,test_set Training,Testing train_images,test-images seg_train/seg_train,seg_test/seg_test
    training_set/training_set,test_set/test_set data/train,data/test"""
WITHIN = ("{neg,pos}/{train,test}", "{neg,pos}/{Training,Test_set}", "{all}/{neg,pos}/{train,test}")


@pytest.mark.parametrize("layout", [*(f"{{{names}}}/{{neg,pos}}" for names in PARTS.split()), *WITHIN])
def test_parts_are_read_wherever_they_stand_and_however_they_are_called(tmp_path, layout):
    grow(tmp_path, layout)
    assert counts(load_dataset(tmp_path)) == {part: {"neg": 4, "pos": 4} for part in ("training", "test")}


@pytest.mark.parametrize("deeper", ["2020,2021", "2021-05-01,2022-06", "images", "a/b/c/d/e/f/g/h/i"])
def test_folders_within_classes_are_read(tmp_path, deeper):
    grow(tmp_path, f"{{rose,tulip}}/{{{deeper}}}")
    assert counts(load_dataset(tmp_path))["training"].keys() == {"rose", "tulip"}


SAME = "which hold the same folders (cat, dog): name one of the two, or call them train and test"
IN_NONE = "neg: expected folders for the parts in every class or in none"
NO_CLASSES = {
    SAME: "{raw,resized}/{cat,dog} {raw,resized}/{train,test}/{cat,dog} {color,grayscale,segmented}/{cat,dog} "
    "{.,copy}/{cat,dog} {64x64,128x128}/{cat,dog}",
    SAME.replace("cat, dog", "cat"): "{part1/cat,part1/dog,part2/cat,part2/fox}",
    "expected a folder train beside it": "{cat,dog,test} {cat,dog,val}",
    IN_NONE: "{neg/train,neg/test,pos} {neg,pos}/{test,val} {neg,pos}/{test}",
    "found images and their masks": "{images,masks}",
    "found images and their annotations": "{images,annotations}/{.}",
    "found images and their labels": "{train,test}/{images,labels} {images/train,images/val,labels/train}",
    "found cats_test and cats_train, parts of one class": "{cats_train,dogs_train,cats_test,dogs_test}",
    "found train-cat and val-cat, parts of one class": "{train-cat,val-cat,train-dog}",
}


@pytest.mark.parametrize(("said", "folders"), [(s, each) for s, many in NO_CLASSES.items() for each in many.split()])
def test_folders_that_are_no_classes_are_refused(tmp_path, said, folders):
    grow(tmp_path, folders)
    refused(tmp_path, said)


def test_what_systems_cameras_and_network_disks_leave_is_passed_over_by_name_and_counted(tmp_path):
    for name in ("rose", "tulip"):
        for beside in ("", "@eaDir/0.png", ".thumbnails", ".@__thumb"):
            draw(tmp_path / name / beside)
    for name in ("@eaDir", "#recycle", ".git/x", "lost+found", "__MACOSX", "$Recycle.Bin", "LOST.DIR", "Thumbnails"):
        draw(tmp_path / name, 2)
    for name in ("rose/desktop.ini", "rose/Thumbs.db", "tulip/.DS_Store", "tulip/._0.png", "README", "labels.csv"):
        (tmp_path / name).write_bytes(b"x")
    found = load_dataset(tmp_path).provenance.found
    assert "8 images of 2 classes: 7 training and 1 test images; 4 of each class." in found
    wanted = (
        "1 .csv files, 1 .db files, 1 .ini files, 2 files in #recycle, 2 files in .git, 8 files in .thumbnails, "
        "8 files in .@__thumb, 10 files in @eaDir, 2 files in __MACOSX, 2 files in lost+found, 2 hidden files, "
        "1 other files, 2 files in $Recycle.Bin, 2 files in LOST.DIR, 2 files in Thumbnails"
    )
    assert {*wanted.split(", ")} == {*found.partition("Passed over: ")[2][:-1].split(", ")}


def test_links_are_read_only_where_they_lie_below_the_folder(tmp_path):
    draw(tmp_path / "photos" / "rose")
    draw(tmp_path / "photos" / "tulip")
    draw(tmp_path / "elsewhere")
    rose = tmp_path / "photos" / "rose"
    (rose / "within.png").symlink_to("../tulip/0.png")
    (rose / "outside.png").symlink_to(tmp_path / "elsewhere" / "0.png")
    (rose / "more").symlink_to(tmp_path / "elsewhere")
    (rose / "loop").symlink_to(tmp_path / "photos")
    found = load_dataset(tmp_path / "photos").provenance.found
    assert "5 of rose, 4 of tulip" in found
    assert "Passed over: 2 linked folders, 1 links to pictures elsewhere." in found
    (tmp_path / "photos" / "lily").symlink_to(tmp_path / "elsewhere")
    refused(tmp_path / "photos", "lily: expected a folder, found a link to one, which is not followed")


def test_a_few_pictures_that_cannot_be_read_are_passed_over_where_that_is_asked_for(tmp_path, capsys):
    for k, name in enumerate(("rose", "tulip")):
        draw(tmp_path / name, 20, seed=100 * k)
    before = load_dataset(tmp_path)
    (tmp_path / "rose" / "3.png").write_bytes(b"no picture")
    cut = tmp_path / "tulip" / "7.png"
    cut.write_bytes(cut.read_bytes()[:-40])
    refused(tmp_path, "rose/3.png", "; nor can tulip/7.png be read; mend or remove them, or --skip-unreadable")
    data = load_dataset(tmp_path, skip_unreadable=True)
    assert load_dataset(f"{tmp_path}:skip_unreadable").provenance == data.provenance
    assert data.provenance.found.endswith(
        "These cannot be read: rose/3.png, tulip/7.png. Passed over: 2 pictures that cannot be read."
    )
    assert counts(data) == {"training": {"rose": 16, "tulip": 16}, "test": {"rose": 3, "tulip": 3}}
    assert {image.tobytes() for image in whole(data)[0]} < {image.tobytes() for image in whole(before)[0]}
    (tmp_path / "rose" / "4.png").write_bytes(b"")
    refused(f"{tmp_path}:skip_unreadable", "expected at most 5 % of pictures that cannot be read, found 3 of 40")
    refuses(["report", "--data", tmp_path, "--skip-unreadable", "--out", tmp_path / "out"], "found 3 of 40", capsys)


# Tables of labels


@pytest.mark.parametrize(
    ("table", "head", "row"),
    [
        *(("labels.csv", "file,label", f"{name},{{}}") for name in ("images/deep/{}.png", "./images/deep/{}.png")),
        *(("labels.csv", "file,label", f"{name},{{}}") for name in (".\\images\\deep\\{}.png", "images/deep/{}.png ")),
        *(("images/labels.csv", "file,label", f"{name},{{}}") for name in ("deep/{}.png", ".\\deep\\{}.png")),
        ("labels.csv", "file,label", "{}.png,{}"),
        ("images/deep/labels.csv", "file,label", "{}.png,{}.0"),  # as pandas writes whole numbers beside missing ones
        ("metadata.csv", "file_name,breed", "images/deep/{}.png,{}"),
        ("labels.csv", "\ufeffid,class,note", "{},{},x"),
    ],
)
def test_a_table_names_the_labels_of_pictures_by_paths_as_each_system_writes_them(tmp_path, table, head, row):
    draw(tmp_path / "images" / "deep", 12)
    lines = [row.format(i, ["10", "9"][i % 2]) for i in range(12)]
    (tmp_path / table).write_text("\n".join([head, *reversed(lines), row.format("gone", "9")]), encoding="utf-8")
    data = load_dataset(tmp_path)
    assert (data.class_names, counts(data)["training"]) == (("9", "10"), {"9": 5, "10": 5})
    for source, label in zip(data.test_sources, data.test_labels, strict=True):
        assert data.class_names[label] == ["10", "9"][int(re.search(r"(\d+)\.png", source)[1]) % 2]
    name = table.rpartition("/")[2]
    assert data.provenance.found.endswith(f"Passed over: 1 rows of {name} without a picture.")
    assert f"labels in {name}" in data.provenance.layout


def test_tables_of_parts_and_pictures_without_a_label(tmp_path):
    for part in ("train", "test"):
        draw(tmp_path / part, 12)
        rows = [f"{i}.png,{'ab'[i % 2]}" for i in range(11)]
        (tmp_path / part / "metadata.csv").write_text("\n".join(["file_name,label", *rows]))
    data = load_dataset(tmp_path)
    assert counts(data) == {"training": {"a": 6, "b": 5}, "test": {"a": 6, "b": 5}}
    assert "Passed over: 2 pictures without a label in metadata.csv." in data.provenance.found


@pytest.mark.parametrize("labelled", ["train test", "train"])
def test_one_table_for_all_parts(tmp_path, labelled):
    rows = ["path,label", "gone.png,a"]
    for part in ("train", "test"):
        draw(tmp_path / part, 12)
        rows += [f"{part}/{i}.png,{'ab'[i % 2]}" for i in range(12) if part in labelled]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    data = load_dataset(tmp_path)
    assert counts(data)["test"] == ({"a": 6, "b": 6} if "test" in labelled else {"a": 1, "b": 1})
    others = "" if "test" in labelled else "12 pictures for test without labels, in no folder of a class, "
    assert data.provenance.found.endswith(f"Passed over: {others}1 rows of labels.csv without a picture.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\nx,y\n", "names of the pictures beside it, such as 0.png, found a, b"),
        ("file,x,z\n0.png,1,2\n", "the name of the column of labels (--label NAME)"),
        ("file,label\n0.png,a\n0.png,b\n", "expected one label a picture, found a and b of 0.png"),
        ("file,label\n0.png,\n", "labels.csv: expected labels of pictures to train on, found none"),
        ("file,label\n0.png\n", "its rows have different numbers of values"),
        ("0.png,a\n1.png,b\n", "expected the names of the columns in the first line, found values (0.png, a)"),
        ("file,split,label\n0.png,train,a\n1.png,Test,b\n", "expected folders for the parts, found column split"),
        ("file,label\n0.PNG,a\n", "names of the pictures beside it, such as 0.png, found file, label"),
        ("file,label\n0.png,é\n".encode("latin-1"), "labels.csv: expected a table in UTF-8, found another encoding"),
        ("", "expected a table of pictures and labels"),
    ],
)
def test_bad_tables_of_labels_are_refused(tmp_path, text, said):
    draw(tmp_path)
    (tmp_path / "labels.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    refused(tmp_path, said)


def test_photos_of_one_group_are_in_one_part_of_every_split(tmp_path):
    draw(tmp_path / "images", 60)
    rows = [f"{i}.png,{'ab'[i % 2]},p{i // 3}" for i in range(60)]
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(["file,label,patient", *rows]))
    data = load_dataset(tmp_path, group="patient")
    of = [int(re.search(r"(\d+)\.png", source)[1]) // 3 for source in data.sources]
    parts = np.split(of, np.cumsum([len(labels) for labels in data.train_labels]))
    assert sum(len({*part}) for part in parts) == 20
    assert "Rows of one patient stay together, in 20 groups." in data.provenance.found
    refused(f"{tmp_path}:group=who", "labels.csv: expected a column who of groups beside one of labels, found file, la")
    refused(f"{tmp_path}:group=patient:label=patient", "a column patient of groups beside one of labels")
    table.write_text("\n".join(["file,label,patient", *rows, "0.png,a,"]))
    refused(f"{tmp_path}:group=patient", "expected one patient a picture, found another number of 0.png")
    table.unlink()
    draw(tmp_path / "other")
    refused(f"{tmp_path}:group=patient", "expected labels.csv or metadata.csv with a column patient, found no such")


def test_labels_of_folders_and_of_a_table_are_not_chosen_between_in_silence(tmp_path):
    for folder in ("batch1", "batch2"):
        draw(tmp_path / folder, 6)
    rows = [f"batch{k}/{i}.png,{'ab'[i % 2]}" for k in (1, 2) for i in range(6)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,label", *rows]))
    refused(tmp_path, "labels.csv: expected labels by folders or by this table, found both")
    assert counts(load_dataset(tmp_path, label="label"))["training"] == {"a": 5, "b": 5}
    (tmp_path / "labels.csv").write_text("id,name\n1,batch1\n2,batch2\n")
    assert "Passed over: 1 .csv files." in load_dataset(tmp_path).provenance.found


# What asks for much, and what is something else


BAD_IMAGES = {
    "nothing": b"",
    "text": b"no image",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 5 6\n",
    "header": png((5, 6))[:33],
    "fewer pixels": png((5, 6)),
    "another size": png((6, 5)),
    "deeper": png((5, 6), bits=16),
    "huge": png((60_000, 60_000)),
    "large": png((12_000, 12_000)),
    "beyond integers": png((2**31 - 1, 2**31 - 1)),
}


@pytest.mark.parametrize("content", BAD_IMAGES.values(), ids=BAD_IMAGES)
@pytest.mark.parametrize("name", ["0.png", "2.png"])
def test_bad_images_are_refused_by_name(tmp_path, content, name):
    write_images(tmp_path)
    (victim := tmp_path / "train" / "cat" / name).write_bytes(content)
    first = name == "0.png" and content == BAD_IMAGES["another size"]  # then the others are of another size
    refused(tmp_path, "expected" if first else str(victim))


@pytest.mark.parametrize("side", [9000, 5000])
def test_a_picture_is_refused_by_the_size_of_its_tiles(tmp_path, side):
    for name in ("a", "b"):
        draw(tmp_path / name)
    Image.new("RGB", (16, 16)).save(tmp_path / "a" / "0.tiff", tiffinfo={322: side, 323: side})
    refused(tmp_path, "0.tiff: expected")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.xlsx", b"PK", "found none of them; save the sheet of this workbook as CSV (UTF-8)"),
        ("instances_train.json", b"{}", "cut each object out as a picture, into a folder for each class"),
        ("a.rar", b"", "unpack it, and give what is in it"),
        ("x.npy", b"", "save its arrays with numpy.savez as X and y"),
        ("downloads/t.zip", b"PK", "but t.zip; unpack it, and give what is in it"),
        ("tables/t.csv", b"", "but t.csv; give the file in it"),
        ("t.zip", "zip", "unpack it, and give what is in it"),
        ("t.tar.gz", "gztar", "unpack it, and give what is in it"),
        ("t.tar", "tar", "unpack it, and give what is in it"),
    ],
)
def test_of_other_files_it_is_said_what_to_do(tmp_path, name, content, said):
    if isinstance(content, bytes):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    else:
        draw(tmp_path / "photos" / "cat")
        shutil.make_archive(str(tmp_path / "t"), content, tmp_path / "photos", "cat")
    refused(tmp_path / Path(name).parts[0], said)


@pytest.mark.parametrize("file", ["annotations/instances_val2017.json", "train/_annotations.coco.json"])
def test_pictures_with_annotations_of_coco_are_said_to_be_that(tmp_path, file):
    for folder in ("train", "val2017", "annotations"):
        draw(tmp_path / folder, n=0 if folder == "annotations" else 4)
    (tmp_path / file).write_text("{}")
    refused(tmp_path, "found names of objects in pictures, as COCO has them; cut each out as a picture")


# Anything


NAMES = st.sampled_from(["cat", "dog", "2021", "@eaDir", ".thumbnails", "deep", "x y"])
FILES = st.sampled_from(["0.png", "1.PNG", "2.jpg.png", "notes.txt", ".DS_Store", "Thumbs.db", "README", "._0.png"])


@settings(max_examples=60)
@given(st.sets(st.tuples(NAMES, st.lists(NAMES, max_size=3).map(tuple), FILES), min_size=1, max_size=40))
def test_of_any_folder_what_is_read_and_what_is_passed_over_are_all_files(tmp_path_factory, tree):
    root = tmp_path_factory.mktemp("any")
    picture = root / "first.png"
    Image.new("RGB", (3, 2)).save(picture)
    for top, folders, name in tree:
        place = root.joinpath(top, *folders)
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(picture.read_bytes() if name.lower().endswith(".png") else b"")
    there = sum(len(files) for _, _, files in os.walk(root))
    try:
        data = load_dataset(root)
    except DataError:
        return
    passed = re.search(r"Passed over: (.*)\.$", data.provenance.found)[1]
    assert len(whole(data)[1]) + sum(int(part.split()[0].replace(",", "")) for part in passed.split(", ")) == there
