"""Tables as people have them: labels as they are written, and columns that tell too much."""

import csv
import io
import unicodedata
from contextlib import nullcontext

import numpy as np
import pytest
from helpers import config, refused, same_rows, training, whole
from hypothesis import given, settings
from hypothesis import strategies as st

from linclf import Classifier, DataError, load_dataset
from linclf.data.dataset import folds
from linclf.data.readers.tables import read_table

pandas = pytest.importorskip("pandas")
RNG = np.random.default_rng(0)


def frame(n=120, **columns):
    numbers = {"u": RNG.normal(size=n), "v": RNG.normal(size=n)}
    return pandas.DataFrame(numbers | columns | {"label": ["x", "y"] * (n // 2)})


def loaded(table, folder, ending="csv", **options):
    path = folder / f"t.{ending}"
    if ending == "parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False, sep={"csv": ",", "tsv": "\t"}[ending])
    return load_dataset(path, **options)


ROWS = "a,b,kind\n" + "".join(f"{5 * i},{i / 2},{'xyz'[i % 3]}\n" for i in range(12))


def test_tables_give_their_features_and_labels(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(ROWS)
    data = load_dataset(path, label="kind")
    assert (data.class_names, data.feature_names) == (("x", "y", "z"), ("a", "b"))
    same_rows(whole(data), (np.array([[5 * i, i / 2] for i in range(12)]), np.arange(12) % 3))
    assert data.test_sources == tuple(f"row {row[0] / 5 + 1:.0f}" for row in data.test_images)
    assert "12 feature vectors of 3 classes" in data.provenance.describe()
    assert load_dataset(f"{path}:kind").provenance == data.provenance
    table = pandas.read_csv(path)
    for made in (table, table.astype({"kind": "category"}), table.convert_dtypes()):
        again = loaded(made, tmp_path, "parquet", label="kind")
        assert again.provenance.sha256 == data.provenance.sha256
    path.write_text(ROWS.replace("kind", "Label"))
    assert load_dataset(path).class_names == ("x", "y", "z")


def test_the_index_of_a_parquet_table_is_a_column_where_it_has_a_name(tmp_path):
    table = pandas.DataFrame({"a": [3, 1] * 6, "label": ["x", "y"] * 6})
    table.to_csv(tmp_path / "t.csv")
    data, named = load_dataset(tmp_path / "t.csv"), loaded(table.set_index("a"), tmp_path, "parquet")
    assert data.feature_names == named.feature_names == ("a",)
    assert "Features: a. Passed over: 1 columns without a name." in data.provenance.found


def test_a_column_of_small_whole_numbers_is_no_pixel(tmp_path):
    data = loaded(pandas.DataFrame({"age": [30, 60] * 6, "ill": [True, False] * 6, "label": ["y", "n"] * 6}), tmp_path)
    classifier = Classifier.fit(data, config(epochs=20), progress=False)
    assert classifier.predict([[300, 0], [-5.5, 1]]).tolist() == ["n", "y"]


LABELS_AS_TEXT = (
    "1_1 11", "01 1", "1e3 1000", "00501 1010", "+1 1", "1. 1", "0x1 1", "٣ 3", "1.0 1", "-0 0", "inf nan", "1;5 2;5",
    "NA b", f"{2**60} {2**60 + 1}",
)  # fmt: skip


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
@pytest.mark.parametrize("labels", LABELS_AS_TEXT)
def test_labels_that_are_read_as_numbers_elsewhere_stay_what_they_are(tmp_path, labels, ending):
    data = loaded(frame().assign(label=labels.split() * 60), tmp_path, ending)
    assert {*data.class_names} == {*labels.split()}


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.array([10.0, 9.0]), ("9", "10")),
        (np.array([10, 9], np.uint8), ("9", "10")),
        (np.array([True, False]), ("False", "True")),
        (np.array([b"caf\xc3\xa9", b"b"], object), ("b", "café")),
        (np.array(["2021-05-01", "2020-01-02"], "M8[s]"), ("2020-01-02 00:00:00", "2021-05-01 00:00:00")),
    ],
)
def test_labels_of_every_type_are_called_what_they_are(tmp_path, labels, names):
    assert loaded(frame().assign(label=np.tile(labels, 60)), tmp_path, "parquet").class_names == names
    if labels.dtype.kind in "fiub":
        np.savez(tmp_path / "a.npz", X=RNG.normal(size=(120, 2)), y=np.tile(labels, 60))
        assert load_dataset(tmp_path / "a.npz").class_names == names


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5)
ODD = st.sampled_from(["NA", "nan", "", " a", '"', "a,b", "1\n2"])
LABELS = st.one_of(TEXT, st.from_regex(r"[-+]?[0-9_.e]{1,4}", fullmatch=True), ODD)
QUOTING = st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])


@settings(max_examples=60)
@given(st.lists(LABELS, min_size=6, max_size=12), QUOTING, st.sampled_from(["\n", "\r\n"]))
def test_each_row_has_the_label_that_its_text_has(tmp_path_factory, labels, quoting, line_end):
    file = io.StringIO()
    writer = csv.writer(file, quoting=quoting, lineterminator=line_end)
    writer.writerows([["a", "label"], *([i + 0.5, label] for i, label in enumerate(labels))])
    path = tmp_path_factory.mktemp("any") / "t.csv"
    path.write_bytes(file.getvalue().encode())
    try:
        data = load_dataset(path)
    except DataError:
        return
    read = {int(x): data.class_names[k] for (x,), k in zip(*whole(data), strict=True)}
    for i, label in enumerate(labels):
        assert read[i] in (text := unicodedata.normalize("NFC", label).strip(), text.removesuffix(".0"))


ONLY_ROWS = {
    "Id": np.arange(120) + 7,
    "anything": RNG.permutation(120),
    "when": np.sort(RNG.choice(10**6, 120, replace=False)),
    "some": RNG.choice(156, 120, replace=False),
    "counter": np.arange(120.0),
    "code": [f"row_{i}" for i in RNG.permutation(120)],
    "uuid": [f"{i:08x}-0a" for i in RNG.permutation(120)],
    "step": 10 * RNG.permutation(120),
    "large": 2**60 + RNG.permutation(120),
    **{name: RNG.choice(10**9, 120, replace=False) for name in ("idx", "my_id", "No.", "uid", "Ids", "Unnamed: 0")},
}
MORE_THAN_ROWS = {
    "ages": RNG.integers(0, 90, 120),
    "incomes": RNG.choice(10**6, 120, replace=False),
    "sevenths": np.arange(120) / 7,
    "of four": np.repeat(np.arange(30), 4),
    "of two": np.arange(120) % 2 == 0,
}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_columns_that_tell_only_the_row_are_passed_over_by_name(tmp_path, ending):
    data = loaded(frame(**ONLY_ROWS, **MORE_THAN_ROWS), tmp_path, ending)
    assert data.feature_names == ("u", "v", *MORE_THAN_ROWS)
    assert f"Passed over, because they tell only the row: {', '.join(ONLY_ROWS)}"[:99] in data.provenance.found


def test_a_column_that_alone_tells_the_class_is_named(tmp_path):
    n = 300
    y = np.tile([2, 0, 1], n // 3)
    noisy = y + RNG.uniform(0, 0.9, n)
    noisy[0] = 9
    hint = y + RNG.normal(size=n)
    table = pandas.DataFrame({"a": RNG.normal(size=n), "leak": 7 - y, "nearly": noisy, "hint": hint, "label": y})
    found = loaded(table, tmp_path).provenance.found
    assert "Warning: leak alone tells the class: if it was made from that, leave it out (--drop leak)." in found
    assert "Warning: nearly alone tells" in found
    assert found.count("Warning") == 2
    rare = pandas.DataFrame({"a": RNG.normal(size=n), "label": np.arange(n) % 100 == 0})
    assert "Warning" not in loaded(rare, tmp_path).provenance.found


def test_a_column_may_be_left_out_of_the_model_too(tmp_path):
    table = frame(leak=np.tile([0, 1], 60), name=["some text"] * 120)
    table.loc[3, "name"] = None
    refused(table, "some lack one in name", load=loaded, folder=tmp_path)
    data = loaded(table, tmp_path, drop=["leak", "name"])
    assert load_dataset(f"{tmp_path / 't.csv'}:drop=leak:drop=name").provenance == data.provenance
    assert "Left out: leak, name." in data.provenance.found
    Classifier.fit(data, config(), progress=False).save(tmp_path / "m.npz")
    assert Classifier.load(tmp_path / "m.npz").feature_names == ("u", "v")
    for drop, said in ((["gone"], "found gone, none of u, v, leak"), (["label"], "name of the column of labels")):
        refused(table, said, load=loaded, folder=tmp_path, drop=drop)


@pytest.mark.parametrize("ending", ["csv", "tsv"])
@pytest.mark.parametrize(
    ("row", "label"),
    [
        ("5.1,3.5,setosa", None), ("5.1,3.5,setosa", "setosa"), ("red,3.5,a", "a"), ("1,2,3", "3"),
        ("0.1,0.1,x", None), ("5.1,3.5,rare", "rare"), ("5.1,3.5,y", None),
    ],
)  # fmt: skip
def test_a_table_without_names_is_refused_with_the_line_to_add(tmp_path, row, label, ending):
    sep = {"csv": ",", "tsv": "\t"}[ending]
    path = tmp_path / f"t.{ending}"
    first = 1 if row.endswith(("rare", "y")) else 3  # a class that the first line alone has
    path.write_text("\n".join([row] * first + ["9.5,8.5,other", "8.5,9.5,more"] * 3).replace(",", sep))
    line = sep.join(["x1", "x2", "label"]).replace("\t", "\\t")
    said = "expected the names of the columns in the first line, found values"
    refused(f"{path}:{label}" if label else path, said, f"add a line such as {line}")


@pytest.mark.parametrize("names", ["0,1,2", "label,400,401"])
def test_names_that_are_numbers_are_read_where_it_is_clear_that_they_are_names(tmp_path, names):
    (tmp_path / "t.csv").write_text(names + "\n" + "1,0.5,7\n2,0.7,9\n" * 5)
    label = names[0] if names[0] == "0" else None
    assert load_dataset(tmp_path / "t.csv", label=label).class_names == ("1", "2")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b,kind\n1,2,x\n", "the name of the column of labels (--label NAME), one of a, b, kind"),
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
        ("a,label\n1,x\n".encode("utf-16"), "expected a table in UTF-8, found UTF-16; save it as UTF-8"),
        ("a,label\n1,é\n".encode("latin-1") * 9, "expected a table in UTF-8, found another encoding"),
        ("a,label\n1,x\n".encode("utf-16-le"), "found NUL bytes, as UTF-16 and files that are no text have them"),
        (b"PK\3\4" + bytes(99), "found NUL bytes, as UTF-16 and files that are no text have them"),
        (b"," * 200_000, "expected at most 100,000 columns, found 200,001"),
    ],
)
def test_bad_tables_are_refused(tmp_path, content, said):
    (tmp_path / "t.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    refused(tmp_path / "t.csv", said)


def test_an_empty_name_of_the_column_of_labels_is_not_taken_for_none(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,label\n" + "0.5,1,x\n0.25,2,y\n" * 9)
    refused(tmp_path / "t.csv", "expected a column , found a, b, label", label="")


def test_a_table_to_classify_is_read_and_refused_as_one_to_learn_from(tmp_path):
    table = frame()
    for ending in ("csv", "tsv", "parquet"):
        loaded(table, tmp_path, ending)
        pandas.testing.assert_frame_equal(read_table(tmp_path / f"t.{ending}"), table, check_dtype=False)
    path = tmp_path / "t.csv"
    for content in (b"", "a,b\n1,x\n".encode("utf-16"), b"," * 200_000, b"a,y\n" + b"1,x,\n" * 9):
        path.write_bytes(content)
        assert refused(path) == refused(path, load=read_table)


def test_bad_parquet_files_are_refused(tmp_path):
    path, table = tmp_path / "t.parquet", frame()
    table.to_parquet(path)
    for bad in (path.read_bytes()[:-9], b"PAR1", b""):
        path.write_bytes(bad)
        refused(path, "t.parquet: expected a table, could not read it")
    table.assign(u=None).to_parquet(path)
    refused(path, "t.parquet: expected a value in every row, some lack one in u")
    image, pictures = {"bytes": b"x", "path": "a.png"}, "pictures in column image; write them as files, in a folder for"
    for held, said in (
        (image, pictures),
        ([image], pictures),
        (b"x", pictures),
        ([0.5, 1.5], "text or others in image"),
    ):
        pandas.DataFrame({"image": [held] * 9, "label": range(9)}).to_parquet(path)
        refused(path, f"found {said}")
    frame().assign(label=[[1, 0], [0, 1]] * 60).to_parquet(path)
    refused(path, "column label: expected a label in every row, found lists")


@pytest.mark.parametrize("kind", ["numbers", "lists", "texts"])
def test_a_small_parquet_file_that_asks_for_much_is_refused(tmp_path, kind):
    import pyarrow
    import pyarrow.parquet

    zeros = np.zeros(1_000_000, np.int32)
    held = {
        "numbers": pyarrow.array(zeros.astype(float)),
        "lists": pyarrow.array([[1.0] * 1000] * 2000),
        "texts": pyarrow.DictionaryArray.from_arrays(zeros[:2000], ["x" * 10**6]),
    }[kind]
    n = len(held)
    table = pyarrow.table({"a": held, "label": pyarrow.DictionaryArray.from_arrays(zeros[:n], ["x"])})
    path = tmp_path / "t.parquet"
    with pyarrow.parquet.ParquetWriter(path, table.schema, compression="zstd", store_schema=False) as writer:
        for _ in range(20):
            writer.write_table(table)
    assert path.stat().st_size < 400_000
    pyarrow.default_memory_pool().release_unused()
    before = pyarrow.default_memory_pool().max_memory()
    refused(path, "t.parquet: expected")
    with nullcontext() if kind == "texts" else pytest.raises(DataError, match=r"t\.parquet: expected"):
        read_table(path)  # of texts that repeat, one is kept
    assert pyarrow.default_memory_pool().max_memory() < before + 2**27


def test_rows_of_one_group_are_in_one_part_of_every_split(tmp_path):
    path, rng = tmp_path / "patients.csv", np.random.default_rng(0)
    patient = np.repeat(np.arange(30), rng.integers(2, 9, 30))
    rows = [f"p{p},{rng.normal():.9f},{p},{'ab'[p % 2]}" for p in patient]
    path.write_text("\n".join(["patient,x,of,label", *rows]))
    data = load_dataset(path, group="patient", drop="of")
    assert data.feature_names == ("x",)
    assert "Rows of one patient stay together, in 30 groups." in data.provenance.found
    assert "stratified by class, groups kept whole, in an order" in data.provenance.layout
    of_source = {f"row {i:,}": p for i, p in enumerate(patient, start=1)}
    assert len({of_source[source] for source in data.sources}) == 30
    for cut in (data, *folds(data, 5)[0]):
        of = [of_source[source] for source in cut.sources]
        parts = np.split(of, np.cumsum([len(y) for y in cut.train_labels]))
        assert sum(len({*part}) for part in parts) == 30
    X, y = training(data)
    np.savez(tmp_path / "rows.npz", X=X, y=y, groups=data.groups[: len(y)])
    assert "Rows of one group stay together" in load_dataset(tmp_path / "rows.npz").provenance.found
    path.write_text("\n".join(["patient,x,of,label", *rows[:20]]))
    refused(path, "expected groups enough to fill 6 parts", "groups of 20 rows", group="patient")
    refused(path, "expected a column who of groups beside label, found patient, x, of, label", group="who")
