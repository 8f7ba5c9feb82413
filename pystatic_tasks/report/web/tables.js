// The bill of materials: filtered, sorted and copied; and lines that are copied.
function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) =>
    head.querySelector("button")?.addEventListener("click", () => {
      const isNumber = head.classList.contains("number");
      const before = head.getAttribute("aria-sort");
      const direction = before === null ? (isNumber ? "descending" : "ascending") : before === "ascending" ? "descending" : "ascending";
      for (const each of heads) each.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", direction);
      const key = (row) => (isNumber ? Number(row.cells[column].dataset.value) : row.cells[column].textContent);
      const compare = (one, other) => (isNumber ? key(one) - key(other) : key(one).localeCompare(key(other)));
      const rows = [...table.tBodies[0].rows].sort(compare);
      table.tBodies[0].append(...(direction === "ascending" ? rows : rows.reverse()));
    }),
  );
}

function filterable(table, input, output) {
  const rows = [...table.tBodies[0].rows];
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((each) => text.includes(each));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    output.textContent = shown === rows.length ? `${shown} components` : `${shown} of ${rows.length} components`;
  });
}

// The rows that are shown, as CSV by RFC 4180; what a spreadsheet would take for a formula begins with a quote mark.
function asCsv(table) {
  const rows = [table.tHead.rows[0], ...[...table.tBodies[0].rows].filter((row) => !row.hidden)];
  const cell = (each) => {
    const text = (each.dataset.value ?? each.textContent).trim();
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return rows.map((row) => [...row.cells].map(cell).join(",")).join("\r\n") + "\r\n";
}

async function copy(text, button) {
  const before = [...button.childNodes];
  let said = "Copied";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages from files may not have it in every browser.
    const area = element("textarea", {}, text);
    document.body.append(area);
    area.select();
    said = document.execCommand("copy") ? said : "Not copied";
    area.remove();
    button.focus();
  }
  button.replaceChildren(said);
  setTimeout(() => button.replaceChildren(...before), 1500);
}
