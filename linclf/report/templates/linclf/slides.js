document.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }[event.key];
  if (!step || event.target.closest("input, select, textarea, pre, math")) return;
  const slides = [...document.querySelectorAll(".slide")];
  const here = slides.filter((slide) => slide.getBoundingClientRect().top < innerHeight / 2).length - 1;
  slides[Math.min(Math.max(here + step, 0), slides.length - 1)].scrollIntoView();
  event.preventDefault();
});
