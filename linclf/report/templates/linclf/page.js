for (const table of document.querySelectorAll("table")) {
  const headers = [...table.querySelectorAll("thead th")];
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const down = header.getAttribute("aria-sort") === "ascending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].textContent.replaceAll("−", "-").replaceAll(",", "");
      const compare = (a, b) => parseFloat(key(a)) - parseFloat(key(b)) || key(a).localeCompare(key(b));
      const rows = [...table.tBodies[0].rows].sort((a, b) => (down ? -1 : 1) * compare(a, b));
      table.tBodies[0].append(...rows);
    });
  });
}
const wide = new ResizeObserver((entries) => {
  for (const { target } of entries) target.classList.toggle("scrolls", target.scrollWidth > target.clientWidth);
});
document.querySelectorAll(".wide").forEach((box) => wide.observe(box));
// On a phone the pages' names run out of the screen: the one that is open comes into view.
const here = document.querySelector("header [aria-current]");
if (here) here.parentElement.scrollLeft = here.offsetLeft - 16;

// What several scripts use: the bytes that a text in base64 stands for, and a place that is within a length.
function bytes(text) {
  return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
}

function within(place, length) {
  return Math.min(Math.max(place, 0), length - 1);
}
