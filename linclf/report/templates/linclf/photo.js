// A user's picture as the inputs (height, width, channels) of a network, 0..255: its middle part of these proportions,
// made as small as they are, as linclf predict does it. What cannot be read is an Error that says why.
async function readPhoto(file, [height, width, channels]) {
  if (!readsWhatItDraws()) {
    throw new Error(
      "This browser changes the pixels that pages read from pictures, as a protection against being recognised: what " +
      "the network says of your own picture cannot be told here.",
    );
  }
  const orientation = orientationOf(new DataView(await file.arrayBuffer()));
  if (orientation > 1 && file.type === "image/webp") {
    throw new Error(`${file.name} is a WebP that is to be turned, which few browsers do: save it as JPEG or PNG.`);
  }
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" }).catch(() => {
    throw new Error(`${file.name} is no picture that this browser can open.`);
  });
  const colours = prepared(bitmap, height, width, file.type === "image/jpeg", orientation);
  if (channels === 3) return colours;
  return Uint8ClampedArray.from({ length: height * width }, (_, i) => { // grey as Pillow makes it
    const [red, green, blue] = colours.subarray(3 * i, 3 * i + 3);
    return 0.299 * red + 0.587 * green + 0.114 * blue;
  });
}

// The colours (height, width, 3) of a picture: read one to one, then made smaller here and not by the browser.
function prepared(bitmap, height, width, isJpeg, orientation) {
  // Of a JPEG, Pillow decodes blocks of 2, 4 or 8 pixels a side at once where enough of them are left; they begin in
  // the corner that is stored first.
  const sides = [bitmap.width, bitmap.height];
  const most = Math.max(1, Math.min(...sides.map((side) => Math.floor(side / Math.max(width, height)))));
  const block = isJpeg ? [8, 4, 2, 1].find((side) => side <= most) : 1;
  const [w, h] = sides.map((side) => Math.ceil(side / block));
  const before = [w * block - bitmap.width, h * block - bitmap.height];
  [[2, 3, 6, 7], [3, 4, 7, 8]].forEach((far, i) => { if (!far.includes(orientation)) before[i] = 0; });
  const cropWidth = Math.min(w, Math.max(1, Math.round((h * width) / height)));
  const cropHeight = Math.min(h, Math.max(1, Math.round((w * height) / width)));
  const left = Math.floor((w - cropWidth) / 2) * block - before[0];
  const top = Math.floor((h - cropHeight) / 2) * block - before[1];
  const readWidth = Math.min(cropWidth * block, bitmap.width);
  const readHeight = Math.min(cropHeight * block, bitmap.height);
  const context = canvas(readWidth, readHeight).getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, readWidth, readHeight);
  const readLeft = within(left, bitmap.width - readWidth + 1), readTop = within(top, bitmap.height - readHeight + 1);
  context.drawImage(bitmap, -readLeft, -readTop);
  const rgba = context.getImageData(0, 0, readWidth, readHeight).data;
  const colours = new Uint8ClampedArray(cropHeight * cropWidth * 3);
  for (let y = 0; y < cropHeight; y++) {
    for (let x = 0; x < cropWidth; x++) {
      const sum = [0, 0, 0];
      for (let i = 0; i < block * block; i++) { // beyond its edge a JPEG repeats the last pixel
        const column = left - readLeft + x * block + (i % block);
        const row = top - readTop + y * block + Math.floor(i / block);
        const at = within(row, readHeight) * readWidth + within(column, readWidth);
        for (let c = 0; c < 3; c++) sum[c] += rgba[4 * at + c];
      }
      for (let c = 0; c < 3; c++) colours[3 * (y * cropWidth + x) + c] = sum[c] / block ** 2;
    }
  }
  return resized(resized(colours, cropHeight, cropWidth, width), width, cropHeight, height);
}

// Whether a page reads from a canvas what was painted: some browsers add noise, or give something else.
function readsWhatItDraws() {
  const side = 128, context = canvas(side, side).getContext("2d", { willReadFrequently: true });
  const painted = context.createImageData(side, side);
  for (let i = 0; i < painted.data.length; i++) painted.data[i] = i % 4 === 3 ? 255 : (i * 2654435761) >>> 24;
  context.putImageData(painted, 0, 0);
  return context.getImageData(0, 0, side, side).data.every((value, i) => value === painted.data[i]);
}

// How a picture is to be turned, 1 (not) to 8, by the first directory of its Exif data.
function orientationOf(file) {
  for (let at = 0; at + 8 < Math.min(file.byteLength, 2 ** 20); at++) {
    const little = file.getUint32(at) === 0x49492a00;
    if (!little && file.getUint32(at) !== 0x4d4d002a) continue;
    const start = at + file.getUint32(at + 4, little) + 2;
    if (start > file.byteLength) continue;
    const last = Math.min(start + 12 * file.getUint16(start - 2, little), file.byteLength) - 12;
    for (let entry = start; entry <= last; entry += 12) {
      if (file.getUint16(entry, little) === 0x0112) return file.getUint16(entry + 8, little);
    }
  }
  return 1;
}

// Colours (height, from, 3) as (to, height, 3): turned, and with another number of pixels a row, as Pillow resizes:
// bicubic, over all that a pixel stands for, rounded to whole numbers.
function resized(colours, height, from, to) {
  const made = new Uint8ClampedArray(height * to * 3), scale = from / to, wide = Math.max(scale, 1);
  for (let x = 0; x < to; x++) {
    const centre = (x + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - 2 * wide + 0.5));
    const last = Math.min(from, Math.floor(centre + 2 * wide + 0.5));
    const weights = Array.from({ length: last - first }, (_, i) => bicubic((first + i + 0.5 - centre) / wide));
    const total = weights.reduce((sum, weight) => sum + weight);
    for (let y = 0; y < height; y++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let i = 0; i < weights.length; i++) sum += weights[i] * colours[3 * (y * from + first + i) + c];
        made[3 * (x * height + y) + c] = sum / total;
      }
    }
  }
  return made;
}

function bicubic(x) {
  const far = Math.abs(x);
  if (far < 1) return 1.5 * far ** 3 - 2.5 * far ** 2 + 1;
  return far < 2 ? -0.5 * (far ** 3 - 5 * far ** 2 + 8 * far - 4) : 0;
}
