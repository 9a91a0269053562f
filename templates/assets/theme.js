// Before the first paint: the theme that was chosen here, the way to this daemon's own host, and a sign that scripts run.
try {
  const { dataset } = document.documentElement;
  const { theme, home } = localStorage;
  if (theme === "light" || theme === "dark") dataset.theme = theme;
  if (dataset.home) localStorage.home = dataset.home;
  else if (dataset.next && home && home !== location.origin) location.replace(home + dataset.next);
} catch { /* Storage is off; the page follows the device. */ }
document.documentElement.classList.add("with-js");
