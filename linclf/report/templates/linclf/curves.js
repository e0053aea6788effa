// Curves answer to a pointer or an arrow key with the epoch and its values, read from the numbers beside the figure.
for (const image of document.querySelectorAll("img.curve[data-epochs]")) {
  const figure = image.closest("figure");
  const [left, right] = image.dataset.epochs.split(" ").map(Number); // where the first and last epoch are, 0..1
  let rows = null, names = null, at = -1, line = null, said = null;

  const read = async () => {
    if (rows) return;
    const text = atob(figure.querySelector("a.numbers").href.split(",")[1]);
    const decoded = new TextDecoder().decode(Uint8Array.from(text, (sign) => sign.charCodeAt(0)));
    [names, ...rows] = decoded.trim().split(/\r?\n/).map(cells);
    line = figure.appendChild(Object.assign(document.createElement("div"), { className: "cursor" }));
    said = Object.assign(document.createElement("output"), { className: "values" });
    image.after(said);
  };
  const show = async (epoch) => {
    await read();
    at = Math.min(Math.max(epoch, 0), rows.length - 1);
    const place = left + (right - left) * (rows.length > 1 ? at / (rows.length - 1) : 0);
    line.style.cssText = `left:${image.offsetLeft + place * image.offsetWidth}px;top:${image.offsetTop}px;height:${image.offsetHeight}px`;
    const means = new Map(); // over seeds
    names.slice(1).forEach((name, i) => {
      const key = name.replace(/, seed \d+$/, "");
      means.set(key, [...(means.get(key) ?? []), Number(rows[at][i + 1])]);
    });
    const values = [...means].map(([name, all]) => {
      const mean = all.reduce((sum, value) => sum + value) / all.length;
      return `${name} ${Number.isFinite(mean) ? mean.toPrecision(4) : "not measured"}`;
    });
    said.textContent = `Epoch ${rows[at][0]}: ${values.join("; ")}.`;
  };
  image.tabIndex = 0;
  image.addEventListener("pointermove", async (event) => {
    await read();
    const share = (event.offsetX / image.offsetWidth - left) / (right - left);
    show(Math.round(share * (rows.length - 1)));
  });
  image.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    show(at < 0 && step === -1 ? Infinity : at + step);
  });
}

function cells(line) {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map((found) => found[1]?.replaceAll('""', '"') ?? found[2]);
}
