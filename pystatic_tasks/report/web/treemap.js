// The map of the image: what is inside, as nodes, and how they are drawn, searched and walked through.
const HEAD = 17;
const GAP = 2;
const SMALLEST = 3;
const MOST_DRAWN = 1500;
const LISTED = 14;

// The tree of data as nodes: {name, path, size, image, children, parent, layer, component, file}.
function readTree(data) {
  const root = { name: "the image", path: "", children: [], parent: null, layer: "", component: null, file: null, size: 0, image: 0 };
  data.layers.forEach(([layer, components]) => {
    const child = branch(layer, root, layer);
    for (const [number, inside] of components) {
      const [name, version, kind, license, purl, size, image, requiredBy] = data.components[number];
      const node = branch(name, child, layer);
      node.component = { name, version, kind, license, purl, requiredBy };
      readFolder(inside, node, size ? image / size : 0);
      node.children = withoutLoneFolders(node);
    }
  });
  sum(root);
  return root;
}

function branch(name, parent, layer) {
  const node = { name, path: "", children: [], parent, layer, component: parent.component, file: null, size: 0, image: 0 };
  parent.children.push(node);
  return node;
}

function readFolder(entries, parent, share) {
  for (const entry of entries) {
    const node = branch(entry[0], parent, parent.layer);
    node.path = parent.path ? `${parent.path}/${entry[0]}` : entry[0];
    if (Array.isArray(entry[1])) {
      readFolder(entry[1], node, share);
      continue;
    }
    const [, size, firstUse = null, importers = [], more = 0] = entry;
    Object.assign(node, { size, image: size * share, children: [], file: { firstUse, importers, more } });
  }
}

// A component that is one package is that package.
function withoutLoneFolders(node) {
  let children = node.children;
  while (children.length === 1 && !children[0].file) children = children[0].children;
  for (const each of children) each.parent = node;
  return children;
}

function sum(node) {
  node.files = node.file ? 1 : 0;
  for (const child of node.children) {
    sum(child);
    node.files += child.files;
    node.size += child.size;
    node.image += child.image;
  }
}

function* below(node) {
  for (const child of node.children) {
    yield child;
    yield* below(child);
  }
}

function withParents(node) {
  const found = [];
  for (let each = node; each; each = each.parent) found.unshift(each);
  return found;
}

class Treemap {
  constructor(data) {
    this.data = data;
    this.root = readTree(data);
    this.top = this.root;
    this.selected = null;
    this.measure = "size";
    this.words = "";
    this.place = document.getElementById("treemap");
    this.place.addEventListener("click", (event) => this.clicked(event));
    this.place.addEventListener("dblclick", (event) => this.open(this.nodeOf(event.target)));
    this.place.addEventListener("keydown", (event) => this.pressed(event));
    this.place.addEventListener("focusin", (event) => this.select(this.nodeOf(event.target), false));
    document.getElementById("search").addEventListener("input", (event) => this.search(event.target.value));
    for (const radio of document.querySelectorAll("[name=measure]"))
      radio.addEventListener("change", () => this.measureBy(radio.value));
    let width = 0;
    new ResizeObserver(() => {
      if (this.place.clientWidth !== width) this.draw();
      width = this.place.clientWidth;
    }).observe(this.place);
    this.legend();
    this.show(this.root);
  }

  value(node) {
    return node[this.measure];
  }

  legend() {
    const items = this.root.children.map((each) =>
      element("li", { "data-layer": each.layer }, `${each.name} `, element("span", { class: "quiet" }, percent(each.size / this.root.size))),
    );
    document.getElementById("legend").replaceChildren(...items);
  }

  measureBy(measure) {
    this.measure = measure;
    this.show(this.top);
  }

  // Draws what is in a node, and lists it.
  show(node) {
    this.top = node;
    this.draw();
    this.list();
    const crumbs = withParents(node).map((each) =>
      each === node
        ? element("strong", { "aria-current": "true" }, `${each.name}, ${amount(this.value(each))}`)
        : element("button", { type: "button", onclick: () => this.show(each) }, each.name),
    );
    document.getElementById("crumbs").replaceChildren(...crumbs.flatMap((each, number) => (number ? [" › ", each] : [each])));
    this.details(this.selected ?? node);
  }

  draw() {
    const box = { x: 0, y: 0, width: this.place.clientWidth, height: this.place.clientHeight };
    this.nodes = [];
    const pieces = document.createDocumentFragment();
    // Level by level, so that what is left out for being too many is the deepest.
    let level = [[this.top, box, 1]];
    const tiles = new Map();
    while (level.length && this.nodes.length < MOST_DRAWN) {
      const next = [];
      for (const [node, area, depth] of level) {
        const children = node.children.filter((each) => this.value(each) > 0);
        children.sort((one, other) => this.value(other) - this.value(one));
        squarify(children.map((each) => this.value(each)), area).forEach((found, number) => {
          if (found.width < SMALLEST || found.height < SMALLEST || this.nodes.length >= MOST_DRAWN) return;
          const child = children[number];
          const hasRoom = child.children.length && found.width > 24 && found.height > HEAD + 10;
          tiles.set(child, this.tile(child, found, depth, hasRoom));
          this.nodes.push(child);
          if (!hasRoom) return;
          const inside = { x: found.x + GAP, y: found.y + HEAD, width: found.width - 2 * GAP - 1, height: found.height - HEAD - GAP - 1 };
          next.push([child, inside, depth + 1]);
        });
      }
      level = next;
    }
    // In the order of a tree, for those who walk through it.
    const inOrder = [];
    const visit = (node) => {
      const drawn = node.children.filter((each) => tiles.has(each));
      drawn.sort((one, other) => this.value(other) - this.value(one));
      for (const each of drawn) {
        inOrder.push(each);
        visit(each);
      }
    };
    visit(this.top);
    this.nodes = inOrder;
    this.tiles = tiles;
    inOrder.forEach((each, number) => {
      tiles.get(each).dataset.number = number;
      pieces.append(tiles.get(each));
    });
    this.place.replaceChildren(pieces);
    this.focusable(tiles.has(this.selected) ? this.selected : inOrder[0]);
    this.mark();
  }

  tile(node, area, depth, hasRoom) {
    const label = `${node.name}, ${amount(this.value(node))}, ${percent(this.value(node) / this.value(this.root))}`;
    const tile = element("div", {
      role: "treeitem",
      tabindex: "-1",
      class: hasRoom ? "tile group" : "tile",
      "data-layer": node.layer,
      "data-depth": Math.min(depth, 5),
      "aria-level": depth,
      "aria-label": label,
      "aria-expanded": node.children.length ? String(Boolean(hasRoom)) : null,
      title: label,
    });
    Object.assign(tile.style, {
      left: `${area.x}px`,
      top: `${area.y}px`,
      width: `${Math.max(area.width - 1, 1)}px`,
      height: `${Math.max(area.height - 1, 1)}px`,
    });
    if (area.width > Math.min(7 * node.name.length + 8, 48) && area.height > 14) {
      tile.append(element("span", { class: "name" }, node.name));
      const isWide = hasRoom ? area.width > 7.5 * node.name.length + 80 : area.width > 56 && area.height > 30;
      if (isWide)
        tile.append(element("span", { class: "bytes" }, amount(this.value(node))));
    }
    return tile;
  }

  nodeOf(target) {
    const tile = target.closest?.("[data-number]");
    return tile ? this.nodes[Number(tile.dataset.number)] : null;
  }

  focusable(node) {
    for (const each of this.place.querySelectorAll("[tabindex='0']")) each.tabIndex = -1;
    if (node) this.tiles.get(node).tabIndex = 0;
  }

  clicked(event) {
    const node = this.nodeOf(event.target);
    if (node) this.select(node, true);
  }

  // Shows what there is to say of a node, which may lie outside of what is drawn.
  select(node, focus) {
    if (!node) return;
    this.selected = node;
    if (!this.tiles.has(node)) {
      let seen = node.parent ?? node;
      while (seen.parent && seen.children.length < 2) seen = seen.parent;
      this.show(seen);
    }
    if (this.tiles.has(node)) {
      this.focusable(node);
      if (focus && document.activeElement !== this.tiles.get(node)) this.tiles.get(node).focus({ preventScroll: true });
    }
    for (const each of this.place.querySelectorAll("[aria-selected]")) each.removeAttribute("aria-selected");
    this.tiles.get(node)?.setAttribute("aria-selected", "true");
    this.details(node);
  }

  open(node) {
    if (!node?.children.length) return;
    this.show(node);
    this.select(this.nodes[0], true);
  }

  back() {
    if (!this.top.parent) return;
    const from = this.top;
    this.show(this.top.parent);
    this.select(from, true);
  }

  pressed(event) {
    const node = this.nodeOf(event.target);
    const number = this.nodes.indexOf(node);
    const step = {
      ArrowDown: () => this.select(this.nodes[number + 1], true),
      ArrowUp: () => this.select(this.nodes[number - 1], true),
      ArrowRight: () => (this.nodes[number + 1]?.parent === node ? this.select(this.nodes[number + 1], true) : this.open(node)),
      ArrowLeft: () => (this.tiles.has(node.parent) ? this.select(node.parent, true) : this.back()),
      Home: () => this.select(this.nodes[0], true),
      End: () => this.select(this.nodes.at(-1), true),
      Enter: () => this.open(node),
      " ": () => this.select(node, true),
      Escape: () => this.back(),
      Backspace: () => this.back(),
    }[event.key];
    if (!node || !step || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    step();
  }

  search(words) {
    this.words = words.trim().toLowerCase();
    this.mark();
    this.list();
  }

  matches(node) {
    const texts = node.component && !node.file && !node.path ? [node.name, node.component.license, node.component.purl] : [node.path || node.name];
    return texts.some((each) => each.toLowerCase().includes(this.words));
  }

  outermostMatches(node) {
    return node.children.flatMap((each) => (this.matches(each) ? [each] : this.outermostMatches(each)));
  }

  // Dims what does not match, unless something in it does, or it lies in something that does.
  mark() {
    const found = new Set();
    if (this.words)
      for (const each of this.nodes)
        if (this.matches(each)) {
          for (const above of withParents(each)) found.add(above);
          for (const inside of below(each)) found.add(inside);
        }
    for (const each of this.nodes) this.tiles.get(each).classList.toggle("dim", this.words !== "" && !found.has(each));
  }

  list() {
    const title = document.getElementById("list-title");
    let found = this.top.children.length === 1 ? this.top.children[0].children : this.top.children;
    if (this.top === this.root) found = this.root.children.flatMap((each) => each.children);
    if (this.words) {
      // What lies in a match is counted with it.
      found = this.outermostMatches(this.root);
      const bytes = found.reduce((total, each) => total + this.value(each), 0);
      title.textContent = found.length ? `${found.length} found, ${amount(bytes)}` : "Nothing found";
    } else title.textContent = this.top === this.root ? "Largest components" : `Largest in ${this.top.name}`;
    const sorted = [...found].sort((one, other) => this.value(other) - this.value(one));
    const items = sorted.slice(0, LISTED).map((each) =>
      element(
        "li",
        {},
        element(
          "button",
          { type: "button", "data-layer": each.layer, onclick: () => this.select(each, false) },
          element("span", { class: "name" }, each.path && this.words ? each.path : each.name),
          element("span", { class: "number" }, amount(this.value(each))),
          element("span", { class: "number" }, percent(this.value(each) / this.value(this.root))),
        ),
      ),
    );
    if (sorted.length > LISTED) items.push(element("li", { class: "quiet" }, `and ${sorted.length - LISTED} more`));
    document.getElementById("list").replaceChildren(...items);
  }

  details(node) {
    const facts = [];
    const fact = (term, text) => text && facts.push(element("dt", {}, term), element("dd", {}, text));
    const share = (measure) => percent(node[measure] / this.root[measure]);
    fact(node.file ? "size" : `${node.files} files`, `${amount(node.size)}, ${share("size")}`);
    if (this.data.ofImage) fact("in the image", `≈\u00a0${amount(node.image)}, ${share("image")} (estimate)`);
    if (node.path) fact("path", element("code", {}, node.path));
    if (node.component) {
      const { name, version, kind, license, purl, requiredBy } = node.component;
      fact("of", `${name} ${version}, ${kind}`);
      fact("licence", license || "unknown");
      fact("purl", element("code", {}, purl));
      fact("required by", listed(requiredBy));
    }
    for (const [term, text] of this.reasons(node)) fact(term, text);
    const heading = element("h3", {}, node.name);
    const open = element("button", { type: "button", onclick: () => this.open(node) }, "Look inside");
    const canOpen = node.children.length && node !== this.top;
    document.getElementById("details").replaceChildren(heading, element("dl", {}, ...facts), ...(canOpen ? [open] : []));
  }

  // Why a file is there, or what a folder or a component has in it.
  reasons(node) {
    const files = node.file ? [node] : [...below(node)].filter((each) => each.file);
    if (node === this.root || node.parent === this.root) return [];
    const own = new Set(files.flatMap((each) => [...moduleOf(each), each.name]));
    const importers = new Map();
    let more = 0;
    for (const { file } of files) {
      more += node.file ? file.more : 0;
      for (const number of file.importers) {
        const name = this.data.names[number];
        if (!own.has(name)) importers.set(name, (importers.get(name) ?? 0) + 1);
      }
    }
    const names = [...importers].sort((one, other) => other[1] - one[1]).map(([name]) => name);
    const uses = files.map((each) => each.file.firstUse).filter((each) => each !== null);
    const used = uses.filter((each) => each >= 0);
    const found = [];
    const areLibraries = files.every((each) => each.file.firstUse === null);
    if (names.length) found.push([areLibraries ? "needed by" : "imported by", listed(names, more)]);
    if (used.length) found.push(["first used", occasion(this.data.occasions[Math.min(...used)])]);
    if (uses.length && !used.length) found.push(["used", "never, as far as observed"]);
    else if (!node.file && uses.length > used.length && used.length)
      found.push(["never used", `${uses.length - used.length} of ${uses.length} observable files`]);
    return found;
  }
}

function moduleOf(node) {
  const name = node.path.replace(/(\/__init__)?(\.cpython-[^/]+|\.abi3)?\.(pyc|so)$/, "");
  return name === node.path ? [] : [name.replaceAll("/", ".")];
}

function occasion(name) {
  return { start: "when the service starts", end: "when it ends" }[name] ?? `by ${name}`;
}

function listed(names, more = 0) {
  const shown = names.slice(0, 4);
  const rest = names.length - shown.length + more;
  return shown.join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
