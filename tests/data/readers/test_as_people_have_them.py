"""Data as people have them: each is read with the right values, or refused with a sentence that is true."""

import pickle
import struct
import sys
import zipfile

import cifar_files
import numpy as np
import pytest
import scipy.io
from helpers import CIFAR100_NAMES, arrays, idx_bytes, refused, same_rows, training, write_cifar100
from PIL import Image

from linclf import Classifier, Config, ConfigError, DataError, load_dataset
from linclf.cli import main
from linclf.data import load
from linclf.data import load as fetching
from linclf.data.readers import cifar
from linclf.data.readers.pictures import ENDINGS, FORMATS
from linclf.report.build import sole_writer
from linclf.studies.study import make_split, split_rows

# Pictures


def save(path, colour=(10, 20, 30), size=(5, 6), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path, **options)


def pets(root, parts=("",), names=("cat", "dog"), n=6, **options):
    for part in parts:
        for k, name in enumerate(names):
            for i in range(n):
                save(root / part / name / f"{i}.png", (10 * i, 50 * k, len(part)), **options)
    return root


def alike(root, image, **options):
    """A folder of one picture, twelve times."""
    for i in range(12):
        (root / "ab"[i % 2]).mkdir(exist_ok=True)
        image.save(root / "ab"[i % 2] / f"{i}.png", **options)
    return load_dataset(root).test_images


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_a_viewer_shows_them(tmp_path, orientation):
    shown = np.zeros((6, 4, 3), np.uint8)
    shown[:3, :2] = 255
    undo = [None, None, 0, 3, 1, 5, 2, 6, 4][orientation]  # Pillow's Transpose that stores it so
    stored = Image.fromarray(shown)
    if undo is not None:
        stored = stored.transpose(Image.Transpose(undo))
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(alike(tmp_path, stored, exif=exif)[0], shown)


def test_pictures_of_all_sizes_are_cropped_to_their_middle_and_resized(tmp_path):
    wide = np.zeros((40, 80, 3), np.uint8)
    wide[:, 20:60] = 200  # the middle square
    for name in ("a", "b"):
        pets(tmp_path, names=(name,), size=(30, 70))
        Image.fromarray(wide).save(tmp_path / name / "wide.png")
    refused(tmp_path, "give an image size (--image-size 32)")
    data = load_dataset(tmp_path, image_size=8)
    images, _ = training(data)
    assert images.shape[1:] == (8, 8, 3)
    assert sum((image == 200).all() for image in [*images, *data.test_images]) == 2
    assert "resized to 8 x 8 pixels, from originals of 30 x 70 to 80 x 40" in data.provenance.describe()
    assert load_dataset(f"{tmp_path}:8").provenance == data.provenance
    for size in (0, -1, 5000):
        with pytest.raises(ConfigError, match="expected an image size of 1 to 1024"):
            load_dataset(tmp_path, image_size=size)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white(tmp_path, mode):
    options = {"transparency": 0} if mode == "P" else {}
    assert (alike(tmp_path, Image.new(mode, (5, 6), 0), **options) == 255).all()


def test_of_animated_pictures_the_first_counts_and_deep_ones_are_refused(tmp_path):
    pets(tmp_path)
    first, second = Image.new("RGB", (5, 6), "red"), Image.new("RGB", (5, 6), "blue")
    first.save(tmp_path / "cat" / "0.gif", save_all=True, append_images=[second])
    (tmp_path / "cat" / "0.png").unlink()
    data = load_dataset(tmp_path)
    assert ([*training(data)[0], *data.test_images] == np.array([255, 0, 0])).all((1, 2, 3)).sum() == 1
    assert "Of 1 animated files, or of several pages, the first picture counts." in data.provenance.describe()
    for name, content in (("grey.png", None), ("colour.ppm", b"P6 5 6 65535\n" + bytes(180))):
        file = tmp_path / "cat" / name
        if content:
            file.write_bytes(content)
        else:
            Image.new("I;16", (5, 6)).save(file)
        refused(tmp_path, f"{name}: expected 8 bits per pixel and channel")
        file.unlink()


def test_all_pictures_that_cannot_be_read_are_named_at_once(tmp_path):
    pets(tmp_path, n=20)
    for i in range(15):
        file = tmp_path / "dog" / f"{i}.png"
        file.write_bytes(file.read_bytes()[: -30 if i % 2 else 20])
    with pytest.raises(DataError) as raised:
        load_dataset(tmp_path)
    assert str(raised.value).count(".png") == 15


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
    for i in range(12):
        file = tmp_path / "ab"[i % 2] / f"{i}.HEIC"
        file.parent.mkdir(exist_ok=True)
        heif.from_pillow(Image.fromarray(pixels)).save(file, quality=-1, exif=turned.tobytes())
    images = load_dataset(tmp_path).test_images
    assert images.shape[1:] == (24, 16, 3)
    assert images[0, 12:].mean() > 150 > 50 > images[0, :12].mean()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ConfigError, match=r"HEIC pictures need pillow-heif: pip install .* or convert them to JPEG"):
        load_dataset(tmp_path)


# Folders


def test_a_class_may_be_called_train(tmp_path):
    assert load_dataset(pets(tmp_path, names=("bus", "car", "train"))).class_names == ("bus", "car", "train")


@pytest.mark.parametrize("word", ["val", "Valid", "VALIDATION"])
def test_validation_pictures_validate(tmp_path, word):
    data = load_dataset(pets(tmp_path, ("Train", word)))
    assert data.counts()["validation"].tolist() == [6, 6]
    assert (data.validation_images[..., 2] == len(word)).all()
    assert (training(data)[0][..., 2] == 5).all()
    for split, n_train in (("full", 10), ("batch", 2)):
        cut = split_rows(split, data, 1)
        assert (len(cut.train), len(cut.validation)) == (n_train, 12)
        np.testing.assert_array_equal(make_split(data, cut).validation[1], data.validation_labels)
    other = load_dataset(pets(tmp_path / "without", ("Train",))).provenance
    assert other.sha256 != data.provenance.sha256


def test_what_systems_leave_behind_is_passed_over_and_counted(tmp_path):
    pets(tmp_path)
    for name in ("cat/desktop.ini", "cat/Thumbs.db", "dog/.DS_Store", "dog/._0.png", "README", "labels.csv"):
        (tmp_path / name).write_bytes(b"x")
    pets(tmp_path / "__MACOSX")
    said = load_dataset(tmp_path).provenance.describe()
    assert "12 images of 2 classes: 10 training and 2 test images; 6 of each class." in said
    assert (
        "Passed over: 1 .csv files, 1 .db files, 1 .ini files, 12 files in __MACOSX, 2 hidden files, 1 other files."
    ) in said


@pytest.mark.parametrize("out", ["reports/latest", "report", "cat/report", "."])
def test_a_report_among_the_pictures_is_passed_over(tmp_path, out):
    wanted = load_dataset(pets(tmp_path)).provenance
    with sole_writer(tmp_path / out):
        for at in ("runs/a.npz", "index.html", "summary.png"):
            (tmp_path / out / at).parent.mkdir(exist_ok=True)
            if out != "." or at != "summary.png":
                save(tmp_path / out / at, format="PNG")
        again = load_dataset(tmp_path).provenance
    assert (again.sha256, again.name) == (wanted.sha256, wanted.name)
    assert "files of reports" in again.found


def test_pictures_without_labels_are_said_to_be_that(tmp_path):
    pets(tmp_path, ("train",))
    save(tmp_path / "test" / "1.png")
    data = load_dataset(tmp_path)
    assert "Passed over: 1 pictures for test without labels, in no folder of a class." in data.provenance.describe()
    flat = tmp_path / "flat"
    pets(flat, ("test",))
    save(flat / "train" / "1.png")
    refused(flat, "train: expected a folder for each class, found 1 pictures in no such folder")


@pytest.mark.parametrize("name", ["مي‌خواهم", "cafe\u0301", "👩‍🌾", "क्षि", "𐀀"])
def test_class_names_are_of_any_script(tmp_path, name):
    data = load_dataset(pets(tmp_path, names=(name, "other")))
    assert "caf\u00e9" in data.class_names or name in data.class_names


@pytest.mark.parametrize("name", ["a\u202eb", "\u200d", "a\x07", "a\u2028b"])
def test_names_that_cannot_be_shown_are_refused(tmp_path, name):
    np.savez(tmp_path / "a.npz", **arrays(), class_names=["a", "b", name])
    refused(tmp_path / "a.npz", "expected for each class a name of its own that can be shown")


# Arrays


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([1, 2, 3], "123"),
        ([7, 301, 950], ("7", "301", "950")),
        ([-1, 0, 5], ("-1", "0", "5")),
        (["b", "c", "a"], "abc"),
        ([b"x", b"z", b"y"], "xyz"),
        ([10**12, 2, 3], ("2", "3", str(10**12))),
    ],
)
def test_labels_keep_their_names(tmp_path, labels, names):
    y, X = np.array(labels)[np.arange(60) % 3], np.arange(120.0).reshape(60, 2)
    np.savez(tmp_path / "a.npz", X=X, y=y)
    data = load_dataset(tmp_path / "a.npz")
    assert data.class_names == tuple(names)
    labels = np.concatenate([training(data)[1], data.test_labels])
    rows = np.concatenate([training(data)[0], data.test_images])[:, 0].astype(int) // 2
    told = y[rows].astype(str) if y.dtype.kind != "S" else np.char.decode(y[rows])
    assert [data.class_names[i] for i in labels] == told.tolist()


def test_keras_and_medmnist_arrays_are_read(tmp_path):
    X, y = np.random.default_rng(0).integers(0, 255, (60, 8, 8), np.uint8), np.arange(60) % 3
    np.savez(tmp_path / "k.npz", x_train=X, y_train=y, x_test=X, y_test=y)
    named = {f"{p}_{k}": a for p in ("train", "val", "test") for k, a in (("images", X), ("labels", y[:, None]))}
    np.savez(tmp_path / "m.npz", **named, weights=y)
    keras, medmnist = load_dataset(tmp_path / "k.npz"), load_dataset(tmp_path / "m.npz")
    for data in (keras, medmnist):
        same_rows(training(data), (X[..., None], y))
    assert keras.validation_labels is None
    np.testing.assert_array_equal(medmnist.validation_images[..., 0], X)
    assert "Passed over: 1 arrays of other names (weights)." in medmnist.provenance.describe()


@pytest.mark.parametrize(
    ("given", "images", "vectors"),
    [("?", "u1", "u1"), ("u1", "u1", "u1"), ("u2", "u1", "f4"), ("i8", "u1", "f8"), ("f2", "f4", "f4")],
)
def test_numbers_of_every_width_are_read(tmp_path, given, images, vectors):
    """Images of whole numbers from 0 to 255 are pixels; what a column of ages is must not depend on the ages in it."""
    for shape, held in (((60, 2, 2), images), ((60, 4), vectors)):
        X = (np.arange(240).reshape(shape) % 2).astype(given)
        np.savez(tmp_path / "a.npz", X=X, y=np.arange(60) % 2)
        found, _ = training(load_dataset(tmp_path / "a.npz"))
        assert (found.dtype, found.max()) == (held, 255 if given == "?" else 1)
    if given in ("u2", "i8"):
        np.savez(tmp_path / "a.npz", X=(X + np.array(300, given)).reshape(60, 2, 2), y=np.arange(60) % 2)
        found, _ = training(load_dataset(tmp_path / "a.npz"))
        assert (found.dtype.kind, *np.unique(found)) == ("f", 300, 301)


BAD = {
    "turn them with np.moveaxis": {"X_train": np.zeros((60, 3, 8, 8))},
    "take np.argmax": {"y_train": np.eye(60)},
    "found text and numbers": {"y_train": np.array(["a"] * 60)},
    "save np.array(y_train, dtype=str)": {"y_train": np.array(["a"] * 60, dtype=object)},
    "found another: 9": {"y_test": np.full(30, 9)},
    "expected one array for each purpose": {"train_images": np.zeros((60, 4))},
}


@pytest.mark.parametrize("said", BAD)
def test_what_is_wrong_with_arrays_is_said(tmp_path, said):
    np.savez(tmp_path / "a.npz", **arrays() | BAD[said])
    refused(tmp_path / "a.npz", said)


def test_the_split_gives_each_part_its_share_of_every_class(tmp_path):
    y = np.repeat([0, 1, 2], [100, 6, 14])
    np.savez(tmp_path / "a.npz", X=np.arange(240.0).reshape(120, 2), y=y)
    data = load_dataset(tmp_path / "a.npz")
    for labels in (*data.train_labels, data.test_labels):
        counts = np.bincount(labels)
        assert len(labels) == 20
        assert (np.abs(counts - np.array([100, 6, 14]) / 6) < 1).all()
        assert (np.diff(labels) < 0).any()  # not class by class


# IDX


@pytest.mark.parametrize(
    ("place", "pattern"),
    [
        ("", "{}-images.idx3-ubyte {}-labels.idx1-ubyte"),
        ("MNIST/raw", "{}-images-idx3-ubyte {}-labels-idx1-ubyte"),
        ("", "{0}-images-idx3-ubyte/{0}-images-idx3-ubyte {0}-labels-idx1-ubyte/{0}-labels-idx1-ubyte"),
        ("raw", "emnist-letters-{}-images-idx3-ubyte emnist-letters-{}-labels-idx1-ubyte"),
    ],
)
@pytest.mark.parametrize("test", ["t10k", "test"])
def test_idx_files_are_read_as_they_are_named(tmp_path, place, pattern, test):
    X = np.random.default_rng(0).integers(0, 255, (60, 6, 5), np.uint8)
    y = (np.arange(60) % 3 + 1).astype(np.uint8)
    for part in ("train", test):
        for name, array in zip(pattern.format(part, part).split(), (X, y), strict=True):
            file = tmp_path / place / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(idx_bytes(array))
    data = load_dataset(tmp_path)
    same_rows(training(data), (X[..., None], y.astype(np.int64) - 1))
    assert (data.class_names, len(data.test_labels)) == (("1", "2", "3"), 60)


def test_of_several_idx_sets_one_must_be_named(tmp_path):
    for name in ("MNIST", "FashionMNIST"):
        (tmp_path / name / "raw").mkdir(parents=True)
        for kind, array in (("images-idx3", np.zeros((6, 2, 2), np.uint8)), ("labels-idx1", np.arange(6) % 2)):
            (tmp_path / name / "raw" / f"train-{kind}-ubyte").write_bytes(idx_bytes(array.astype(np.uint8)))
    refused(tmp_path, "found those of several: name one of")
    assert len(load_dataset(tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte").test_labels) == 1


# CIFAR


@pytest.mark.parametrize("compressed", [False, True])
def test_matlab_files_give_the_same_content(tmp_path, compressed):
    content = cifar_files.write(tmp_path)
    folder = tmp_path / "mat" / "cifar-10-batches-mat"
    folder.mkdir(parents=True)
    for name, (pixels, labels) in content.items():
        held = {"data": pixels, "labels": labels[:, None], "batch_label": "x of 5"}
        scipy.io.savemat(folder / f"{name}.mat", held, do_compression=compressed)
    wanted = load_dataset(tmp_path / "cifar-10-batches-py").provenance
    assert load_dataset(folder.parent).provenance.sha256 == wanted.sha256
    whole = (folder / "data_batch_3.mat").read_bytes()
    for bad in (b"", whole[:1000], b"MATLAB 7.3" + whole[10:], whole[:128] + struct.pack("<2I", 14, 2**31)):
        (folder / "data_batch_3.mat").write_bytes(bad)
        refused(folder, "data_batch_3.mat: expected")


@pytest.mark.parametrize("compressed", [False, True])
def test_cifar_100_in_matlab_files_has_the_same_content(tmp_path, compressed):
    content, folder = write_cifar100(tmp_path), tmp_path / "mat" / "cifar-100-matlab"
    folder.mkdir(parents=True)
    for part, (pixels, labels) in content.items():
        held = {"data": pixels, "fine_labels": labels[:, None], "coarse_labels": labels[:, None] // 5}
        scipy.io.savemat(folder / f"{part}.mat", held, do_compression=compressed)
    names = np.array([name.decode() for name in CIFAR100_NAMES], dtype=object)[:, None]
    scipy.io.savemat(folder / "meta.mat", {"fine_label_names": names}, do_compression=compressed)
    wanted, found = load_dataset(tmp_path / "cifar-100-python"), load_dataset(folder.parent)
    assert found.provenance.sha256 == wanted.provenance.sha256
    assert found.class_names == wanted.class_names
    scipy.io.savemat(folder / "meta.mat", {"fine_label_names": names[:99]})
    refused(folder, "meta.mat: expected the names of 100 classes")
    scipy.io.savemat(folder / "train.mat", {"data": np.zeros((3, 5), np.uint8), "fine_labels": np.zeros((3, 1))})
    refused(folder, "train.mat: expected data as bytes of shape (n, 3072)")


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("labels", [list, np.ndarray.tolist, lambda y: y.astype(">i8"), lambda y: y.astype(int)])
def test_batches_pickled_by_python_3_are_read(tmp_path, protocol, labels):
    for name, (pixels, y) in cifar_files.write(tmp_path).items():
        batch = {"data": pixels, "labels": labels(y)}
        (tmp_path / name).write_bytes(pickle.dumps(batch, protocol=protocol))
    wanted = load_dataset(tmp_path / "cifar-10-batches-py").provenance
    assert load_dataset(tmp_path).provenance.sha256 == wanted.sha256


@pytest.mark.parametrize("prefix", ["", "./cifar-10-batches-py/", "my/own/"])
@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_archives_packed_by_hand_are_read(tmp_path, prefix, kind):
    cifar_files.write(tmp_path)
    folder, path = tmp_path / "cifar-10-batches-py", tmp_path / f"mine.{kind}"
    members = [(f"{prefix}{file.name}", file.read_bytes()) for file in folder.iterdir()]
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members:
                archive.writestr(name, content)
    else:
        cifar_files.archive(path, members)
    assert load_dataset(path).provenance.sha256 == load_dataset(folder).provenance.sha256


def test_cifar_10_by_its_name_is_fetched_once_and_a_path_goes_before(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    cifar_files.write(tmp_path / "there")
    asked = []

    def fetch():
        asked.append(1)
        return str(tmp_path / "there")

    monkeypatch.setattr(load, "fetch", fetch)
    assert load_dataset("cifar-10").provenance.name == cifar.CIFAR10
    cifar_files.write(fetching.cache_folder())
    load_dataset("cifar-10")
    assert len(asked) == 1
    pets(tmp_path / "cifar-10")
    assert load_dataset("cifar-10").class_names == ("cat", "dog")


# Tables


ROWS = "a,b,kind\n" + "".join(f"{5 * i},{i / 2},{'xyz'[i % 3]}\n" for i in range(12))


def table(path, text=ROWS):
    path.write_text(text)
    return path


def test_tables_give_their_features_and_labels(tmp_path):
    path = table(tmp_path / "t.csv")
    data = load_dataset(path, label="kind")
    assert data.class_names == ("x", "y", "z")
    X, y = np.concatenate([training(data)[0], data.test_images]), np.concatenate([training(data)[1], data.test_labels])
    same_rows((X, y), (np.array([[5 * i, i / 2] for i in range(12)]), np.arange(12) % 3))
    assert "12 feature vectors of 3 classes" in data.provenance.describe()
    assert data.provenance.describe().endswith("Features: a, b.")
    assert data.feature_names == ("a", "b")
    assert load_dataset(f"{path}:kind").provenance == data.provenance
    table(path, path.read_text().replace("kind", "Label"))
    assert load_dataset(path).class_names == ("x", "y", "z")


def test_parquet_tables_are_read(tmp_path):
    pytest.importorskip("pyarrow")
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(table(tmp_path / "t.csv"))
    wanted = load_dataset(tmp_path / "t.csv", label="kind").provenance.sha256
    for made in (frame, frame.astype({"kind": "category"}), frame.convert_dtypes()):
        made.to_parquet(tmp_path / "t.parquet")
        assert load_dataset(tmp_path / "t.parquet", label="kind").provenance.sha256 == wanted
    whole = (tmp_path / "t.parquet").read_bytes()
    for bad in (whole[:-9], b"PAR1", b""):
        (tmp_path / "t.parquet").write_bytes(bad)
        refused(tmp_path / "t.parquet", "t.parquet: expected a table, could not read it")
    frame.assign(a=None).to_parquet(tmp_path / "t.parquet")
    refused(tmp_path / "t.parquet:kind", "t.parquet: expected a value in every row, some lack one in a")


def test_the_index_of_a_parquet_table_is_a_column_where_it_has_a_name(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [3, 1] * 6, "label": ["x", "y"] * 6})
    frame.to_csv(tmp_path / "t.csv")
    frame.set_index("a").to_parquet(tmp_path / "t.parquet")
    data, named = load_dataset(tmp_path / "t.csv"), load_dataset(tmp_path / "t.parquet")
    assert data.feature_names == named.feature_names == ("a",)
    assert "Features: a. Passed over: 1 columns without a name." in data.provenance.found


def test_a_column_of_small_whole_numbers_is_no_pixel(tmp_path):
    data = load_dataset(table(tmp_path / "t.csv", "age,ill,label\n" + "30,True,y\n60,False,n\n" * 6))
    classifier = Classifier.fit(data, Config(learning_rate=0.1, l2=0.0, epochs=20), progress=False)
    assert classifier.predict([[300, 0], [-5.5, 1]]).tolist() == ["n", "y"]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ("NA b", ("NA", "b")),
        ("2.0 10.0", ("2", "10")),
        (f"{2**60} {2**60 + 1}", (str(2**60), str(2**60 + 1))),
    ],
)
def test_labels_of_a_table_are_what_is_written(tmp_path, labels, names):
    first, second = labels.split()
    rows = f'1.5,{first}\n2,{second} \n3,"{second}"\n' * 4
    assert load_dataset(table(tmp_path / "t.csv", f"a,label\n{rows}")).class_names == names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b,kind\n1,2,x\n", "name the column of labels (--label NAME), one of a, b, kind"),
        ("a,y\n1,x\n,z\n", "some lack one in a"),
        ("a,b,y\n1,text,x\n", "found text or others in b"),
        ("y\nx\n", "with commas between them, found one alone: y"),
        ("a;b;y\n1,5;2;x\n", "with commas between them, found one alone: a;b;y"),
        ("a,y\n" + "1,x,\n" * 9, "found 2 names for 3 columns; end no line with a separator"),
        ("a,a,y\n1,2,x\n", "expected a name of its own for each column, found a, a, y"),
        ("a,y\n", "expected rows below the names"),
        ("id,y\n1,x\n2,z\n", "expected columns of numbers beside y, found none to learn from"),
        ("a,y\n5,\n7,z\n", "some lack one in y"),
        ("a,y\n5,0.25\n7,0.5\n", "column y: expected labels as whole numbers or text, found 0.25"),
        ("", "expected a table, could not read it"),
    ],
)
def test_bad_tables_are_refused(tmp_path, text, said):
    with pytest.raises(DataError) as raised:
        load_dataset(table(tmp_path / "t.csv", text))
    assert said in str(raised.value)


def test_of_each_test_image_it_is_known_where_it_is(tmp_path):
    """The split is random: whoever wants to look at a mistake needs its file or row."""
    of_table = load_dataset(table(tmp_path / "t.csv"), label="kind")
    assert of_table.test_sources == tuple(f"row {row[0] / 5 + 1:.0f}" for row in of_table.test_images)
    pictures = load_dataset(pets(tmp_path / "pets", ("train", "test")))
    np.testing.assert_array_equal(Image.open(tmp_path / "pets" / pictures.test_sources[7]), pictures.test_images[7])
    np.savez(tmp_path / "a.npz", X=np.arange(24.0).reshape(12, 2), y=np.arange(12) % 2)
    of_arrays = load_dataset(tmp_path / "a.npz")
    assert of_arrays.test_sources == tuple(f"X[{row[0] / 2:.0f}]" for row in of_arrays.test_images)
    assert load_dataset("digits").test_sources == ()


def test_labels_that_look_alike_are_one_class(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.arange(24.0).reshape(12, 2), y=["c0", "c0 ", " c1", "c1"] * 3)
    assert load_dataset(tmp_path / "a.npz").class_names == ("c0", "c1")


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("digits:3", {"image_size": 8}, "those are for data at a path"),
        ("synthetic", {"image_size": 8}, "those are for data at a path"),
        ("a.npz", {"image_size": 8}, r"a\.npz: expected no"),
        ("a.npz", {"label": "x"}, r"a\.npz: expected no"),
        ("a.npz:8", {}, "expected nothing after the path, for an"),
        ("t.csv:32", {}, "expected a column 32, found a, b, kind"),
        ("pets:kind", {}, "such as image_size=32, found kind"),
        ("", {}, "^an empty name: no such file or folder"),
    ],
)
def test_an_option_for_other_data_is_refused(tmp_path, monkeypatch, name, options, said):
    monkeypatch.chdir(tmp_path)
    np.savez("a.npz", **arrays())
    table(tmp_path / "t.csv")
    pets(tmp_path / "pets")
    with pytest.raises((ConfigError, DataError), match=said):
        load_dataset(name, **options)


def test_the_command_line_names_the_data_as_the_library_does(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(
        "linclf.report.build.make_report", lambda parameters, **_: given.append(parameters["data"]) or 0
    )
    for words in (["--image-size", "32"], ["--label", "a:b", "--image-size", "8"], []):
        assert main(["report", "--data", "place", *words]) == 0
    assert given == ["place:image_size=32", "place:label=a::b:image_size=8", "place"]
