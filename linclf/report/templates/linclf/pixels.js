// What the panels share: their parts, numbers that the page holds as text, and pictures painted pixel by pixel.
const finder = (section, kind) => (name) => section.querySelector(`[data-${kind}="${name}"]`);
const canvas = (width, height) => Object.assign(document.createElement("canvas"), { width, height });

// What shows a picture, pixel by pixel: paint(colour, label) with colour(place, channel) in 0..255.
function picture(height, width, label = "") {
  const element = canvas(width, height), context = element.getContext("2d");
  const image = context.createImageData(width, height);
  Object.assign(element, { className: "pixels", role: "img", ariaLabel: label });
  const paint = (colour, said = label) => {
    for (let i = 0; i < image.data.length; i++) image.data[i] = i % 4 === 3 ? 255 : colour(i >> 2, i % 4);
    context.putImageData(image, 0, 0);
    element.ariaLabel = said;
  };
  return { element, paint };
}

// The template of each class above its name, in `box`; what is returned paints weights (C, d).
function templates(box, names, [height, width, channels]) {
  const d = height * width * channels;
  const painters = names.map((name) => {
    const figure = document.createElement("figure");
    const { element, paint } = picture(height, width, `Template of the class ${name}`);
    figure.append(element, Object.assign(document.createElement("figcaption"), { textContent: name }));
    box.append(figure);
    return (w) => paint(templateColour(w, channels));
  });
  return (W) => painters.forEach((paint, k) => paint(W.subarray(k * d, (k + 1) * d)));
}

// Of weights (d,): from black, the least, to white.
function templateColour(w, channels) {
  const low = w.reduce((a, c) => Math.min(a, c)), range = w.reduce((a, c) => Math.max(a, c)) - low || 1;
  return (place, channel) => (255 * (w[place * channels + (channel % channels)] - low)) / range;
}
