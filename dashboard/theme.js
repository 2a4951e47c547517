// Before anything is painted: the theme that was chosen here, if one was. No module, so that it is not late.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem('signalbox.theme'); } catch { /* no storage: the system's theme */ }
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
})();
