// Before the first paint: the theme that was chosen here, and a sign that scripts run.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is off; the page follows the device.
}
document.documentElement.classList.add("with-js");
