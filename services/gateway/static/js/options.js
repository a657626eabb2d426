// Lists whose options follow from another choice: offered anew as soon as that is chosen. Without a script 暂存 does so; the service
// judges what is chosen either way.
export function follow(form) {
  form.addEventListener("change", (event) => {
    if (event.target.matches("select, input[type=radio]")) followers(event.target).forEach(offer);
  });
}

// The lists that follow this choice: in the same row, or among the fields.
export function followers(choice) {
  const [base, key] = split(choice.name);
  return [...choice.form.querySelectorAll("select[data-follows]")].filter((list) => list.dataset.follows === key && split(list.name)[0] === base);
}

// Puts the options of what is chosen now into the list. What was chosen in it stays if it is among them.
export function offer(list) {
  if (!list.dataset.follows) return;
  const options = JSON.parse(list.dataset.optionsFor)[chosen(list)] || [];
  const kept = options.some(([value]) => value === list.value) ? list.value : "";
  list.replaceChildren(list.options[0], ...options.map(([value, label]) => new Option(label, value)));
  list.value = kept;
}

function chosen(list) {
  const found = list.form.elements[`${split(list.name)[0]}.${list.dataset.follows}`];
  return found ? found.value : "";
}

function split(name) {
  const at = name.lastIndexOf(".");
  return [name.slice(0, at), name.slice(at + 1)];
}
