// Elements from plain data. Text is always a text node: nothing here reads markup.

/// h('p', {class: 'x', onclick: f, title: 't'}, 'text', child, null)
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set(node, name, value);
  node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

function set(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
  else if (name === 'value') node.value = value;
  else node.setAttribute(name, value === true ? '' : value);
}

/// Writes only what is new, so that a selection in what stays is kept.
export function setText(node, text) {
  const value = String(text);
  if (node.firstChild?.nodeType === Node.TEXT_NODE && !node.firstChild.nextSibling) {
    if (node.firstChild.data !== value) node.firstChild.data = value;
  } else if (node.textContent !== value || node.firstElementChild) {
    node.textContent = value;
  }
}
export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}
/// Replaces the children only when `signature` has changed.
export function renew(node, signature, make) {
  if (node.dataset.signature === signature) return;
  node.dataset.signature = signature;
  node.replaceChildren(...[].concat(make()).filter(Boolean));
}
