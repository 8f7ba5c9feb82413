// Imports as an icicle graph: each module above those that it imported, as wide as it took long.
const ROW = 22;
const NARROWEST = 2;
const READABLE = 30;

class Icicle {
  constructor(imports) {
    this.place = document.getElementById("imports");
    this.total = imports.reduce((sum, each) => sum + each[2], 0);
    this.bars = [];
    this.lay(imports, 0, 0, 100, -1);
    this.place.style.height = `${(Math.max(...this.bars.map((each) => each.depth)) + 1) * ROW}px`;
    this.place.addEventListener("keydown", (event) => this.pressed(event));
    this.place.addEventListener("focusin", (event) => this.tell(event.target));
    this.place.addEventListener("pointerover", (event) => this.tell(event.target));
    this.bars[0].tile.tabIndex = 0;
    this.place.append(...this.bars.map((each) => each.tile));
  }

  lay(imports, depth, left, width, above) {
    const whole = above < 0 ? this.total : this.bars[above].ms;
    for (const [name, own, ms, inside] of imports) {
      const share = whole ? (width * ms) / whole : 0;
      // In pixels, on a page that is some thousand wide.
      const pixels = share * 11.5;
      if (pixels >= NARROWEST) {
        const label = `${name}: ${ms.toFixed(1)} ms, ${own.toFixed(1)} ms by itself`;
        const tile = element("div", { role: "treeitem", tabindex: "-1", class: "bar", "aria-level": depth + 1, "aria-label": label, title: label, "data-number": this.bars.length, "data-tone": depth % 4 }, pixels > READABLE ? name : "");
        Object.assign(tile.style, { left: `${left}%`, width: `calc(${share}% - 1px)`, top: `${depth * ROW}px` });
        this.bars.push({ tile, depth, above, label, ms });
        this.lay(inside, depth + 1, left, share, this.bars.length - 1);
      }
      left += share;
    }
  }

  tell(target) {
    const bar = this.bars[Number(target.dataset?.number)];
    if (bar) document.getElementById("import-details").textContent = bar.label;
  }

  pressed(event) {
    const number = Number(event.target.dataset?.number);
    const bar = this.bars[number];
    const among = this.bars.filter((each) => bar && each.depth === bar.depth);
    const next = {
      ArrowDown: () => this.bars[number + 1]?.above === number && this.bars[number + 1],
      ArrowUp: () => this.bars[bar.above],
      ArrowRight: () => among[among.indexOf(bar) + 1],
      ArrowLeft: () => among[among.indexOf(bar) - 1],
      Home: () => this.bars[0],
    }[event.key];
    if (!bar || !next) return;
    event.preventDefault();
    const found = next();
    if (!found) return;
    bar.tile.tabIndex = -1;
    found.tile.tabIndex = 0;
    found.tile.focus();
  }
}
