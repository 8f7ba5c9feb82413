// Puts the page together once its texts are shown.
const data = JSON.parse(document.getElementById("data").textContent);
const components = document.getElementById("components");
sortable(components);
filterable(components, document.getElementById("filter"), document.getElementById("filtered"));
document.getElementById("copy-csv").addEventListener("click", (event) => copy(asCsv(components), event.currentTarget));
for (const button of document.querySelectorAll("[data-copy]"))
  button.addEventListener("click", () => copy(button.dataset.copy, button));
if (data.layers.length) new Treemap(data);
if (data.imports.length) new Icicle(data.imports);
