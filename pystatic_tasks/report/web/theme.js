// Light, dark, or as the system has it; remembered where the browser lets us.
const KEY = "pystatic-theme";

function remembered() {
  try {
    return localStorage.getItem(KEY) ?? "auto";
  } catch {
    return "auto";
  }
}

function setTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const button of document.querySelectorAll("[data-theme-choice]"))
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === theme));
}

for (const button of document.querySelectorAll("[data-theme-choice]"))
  button.addEventListener("click", () => {
    setTheme(button.dataset.themeChoice);
    try {
      localStorage.setItem(KEY, button.dataset.themeChoice);
    } catch {
      // It holds until the page is left.
    }
  });
setTheme(remembered());
