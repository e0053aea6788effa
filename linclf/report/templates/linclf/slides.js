// What does not fit on a screen goes on to another slide, under the same heading; what is larger by itself shrinks.
function split(slide) {
  const style = getComputedStyle(slide);
  const room = innerHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  const [heading, ...blocks] = [...slide.children].filter((block) => block.offsetHeight);
  if (!heading || slide.scrollHeight <= innerHeight + 1) return;
  const space = room - heading.offsetHeight - 56;
  let place = slide, top = heading.getBoundingClientRect().bottom;
  for (const block of blocks) {
    const { height, top: start } = block.getBoundingClientRect(), left = space + top - start;
    // A picture stays below its text where more than half of the screen is left for it.
    const most = left > space / 2 && block.querySelector("img") ? left : space;
    if (height > most) block.style.zoom = Math.max(most / height, 0.4);
    if (block.getBoundingClientRect().bottom - top > space + 28 && block.previousElementSibling !== place.firstElementChild) {
      const next = document.createElement("section");
      next.className = "slide";
      const again = heading.cloneNode(true);
      again.removeAttribute("id");
      next.append(again);
      while (block.nextSibling) next.append(block.nextSibling);
      again.after(block);
      place.after(next);
      [place, top] = [next, again.getBoundingClientRect().bottom];
    }
  }
}
addEventListener("load", () => document.querySelectorAll(".slide").forEach(split));
document.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }[event.key];
  if (!step || event.target.closest("input, select, textarea, pre, math")) return;
  const slides = [...document.querySelectorAll(".slide")];
  const here = slides.filter((slide) => slide.getBoundingClientRect().top < innerHeight / 2).length - 1;
  slides[Math.min(Math.max(here + step, 0), slides.length - 1)].scrollIntoView();
  event.preventDefault();
});
