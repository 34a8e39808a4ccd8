// No module: it runs before the first paint, so that a chosen theme never flashes the other one.
{
  try {
    const theme = localStorage.getItem("callboard-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // A browser that keeps nothing shows the system's theme.
  }
}
