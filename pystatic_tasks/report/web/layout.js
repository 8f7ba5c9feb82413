// Squarified treemaps, after Bruls, Huizing and van Wijk (2000): rectangles as near to squares as can be.

// The rectangles of values, the largest first, that fill one: [{x, y, width, height}, …] in the same order.
function squarify(values, area) {
  const total = values.reduce((sum, each) => sum + each, 0);
  const scale = total ? (area.width * area.height) / total : 0;
  const sizes = values.map((each) => each * scale);
  const found = [];
  let { x, y, width, height } = area;
  let start = 0;
  while (start < sizes.length) {
    const side = Math.min(width, height);
    let end = start + 1;
    let sum = sizes[start];
    while (end < sizes.length && worst(sizes, start, end + 1, sum + sizes[end], side) <= worst(sizes, start, end, sum, side))
      sum += sizes[end++];
    const depth = side ? sum / side : 0;
    let along = 0;
    for (const size of sizes.slice(start, end)) {
      const length = depth ? size / depth : 0;
      found.push(
        width >= height
          ? { x, y: y + along, width: depth, height: length }
          : { x: x + along, y, width: length, height: depth },
      );
      along += length;
    }
    if (width >= height) [x, width] = [x + depth, width - depth];
    else [y, height] = [y + depth, height - depth];
    start = end;
  }
  return found;
}

// How far the worst of a row of sizes, the largest first, is from a square.
function worst(sizes, start, end, sum, side) {
  const square = side * side;
  return Math.max((square * sizes[start]) / (sum * sum), (sum * sum) / (square * sizes[end - 1]));
}

// With spaces at which no line breaks.
function amount(bytes) {
  if (bytes >= 100_000) return `${(bytes / 1e6).toFixed(2)}\u00a0MB`;
  return bytes >= 1_000 ? `${(bytes / 1e3).toFixed(1)}\u00a0kB` : `${Math.round(bytes)}\u00a0B`;
}

function percent(share) {
  if (share < 0.0005) return "<\u00a00.1\u00a0%";
  return share >= 0.01 ? `${(share * 100).toFixed(0)}\u00a0%` : `${(share * 100).toFixed(1)}\u00a0%`;
}

// An element with attributes and children, which are elements or texts.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}
