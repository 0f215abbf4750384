"""A page to try an API in a browser: one file, which asks for nothing but the description beside it.

Source: OpenAPI 3.1 (what it reads); Content Security Policy Level 3 (why nothing else can run in it).
"""

import base64
import hashlib
import html

from starlette.responses import Response

from hub.api.answers import HEADERS

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#123;background:#fff}
h2{margin:2rem 0 .5rem;font-size:1.1rem}details{border:1px solid #cdd;border-radius:6px;margin:.3rem 0}
summary{padding:.5rem .8rem;cursor:pointer}summary b{display:inline-block;min-width:4.5rem}
form{padding:.3rem .8rem .8rem}label{display:block;margin:.3rem 0}
input,textarea{font:13px ui-monospace,monospace;width:100%;padding:.3rem;box-sizing:border-box}
pre{background:#f3f6f6;padding:.6rem;overflow:auto;max-height:28rem;white-space:pre-wrap}
button{padding:.3rem 1rem}
"""

_SCRIPT = """
const base = location.pathname.replace(/\\/docs$/, '');
const make = (name, text, parent) => {
  const it = document.createElement(name); it.textContent = text; parent.append(it); return it;
};
const field = (form, name, hint, kind) => {
  const label = make('label', name + (hint ? ' - ' + hint : ''), form);
  const it = document.createElement(kind || 'input'); it.name = name; label.append(it); return it;
};
const example = (schema, all, deep) => {
  if (!schema || deep > 6) return null;
  if (schema.$ref) return example(all[schema.$ref.split('/').pop()], all, deep + 1);
  if (schema.enum) return schema.enum[0];
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === 'object') return Object.fromEntries(Object.entries(schema.properties || {})
    .filter(([name]) => (schema.required || []).includes(name))
    .map(([name, each]) => [name, example(each, all, deep + 1)]));
  if (type === 'array') return [];
  return {integer: 0, number: 0, boolean: false, string: ''}[type] ?? null;
};
const send = async (form, method, path, asked) => {
  const query = new URLSearchParams(), headers = {};
  const token = document.getElementById('token').value.trim();
  if (token) headers.Authorization = 'Bearer ' + token;
  for (const each of asked) {
    const text = form.elements[each.name].value;
    if (each.in === 'path') path = path.replace('{' + each.name + '}', encodeURIComponent(text));
    else if (text && each.in === 'query') query.set(each.name, text);
    else if (text && each.in === 'header') headers[each.name] = text;
  }
  const body = form.elements.body && form.elements.body.value;
  if (body) headers['Content-Type'] = form.dataset.kind;
  const out = form.querySelector('pre');
  const answer = await fetch(base + path + (query.size ? '?' + query : ''), {method, headers, body: body || undefined});
  const text = await answer.text();
  let told = text;
  try { told = JSON.stringify(JSON.parse(text), null, 2); } catch { told = text; }
  out.textContent = answer.status + ' ' + answer.statusText + '\\n' + told;
};
const operation = (path, method, said, all) => {
  const box = document.createElement('details'); document.getElementById('all').append(box);
  const summary = document.createElement('summary'); box.append(summary);
  make('b', method.toUpperCase(), summary); make('span', path + ' - ' + said.summary, summary);
  const form = document.createElement('form'); box.append(form);
  make('p', said.description, form);
  const asked = said.parameters || [];
  for (const each of asked) {
    const it = field(form, each.name, each.in + (each.required ? ', required' : ''));
    if (each.name === 'Idempotency-Key') it.value = crypto.randomUUID ? crypto.randomUUID() : String(Math.random());
  }
  if (said.requestBody) {
    const [kind, content] = Object.entries(said.requestBody.content)[0];
    form.dataset.kind = kind;
    const it = field(form, 'body', kind, 'textarea'); it.rows = 6;
    if (kind === 'application/json') it.value = JSON.stringify(example(content.schema, all, 0), null, 2);
  }
  make('button', 'Send', form); make('pre', '', form);
  form.addEventListener('submit', event => { event.preventDefault(); send(form, method.toUpperCase(), path, asked); });
};
fetch(base + '/openapi.json').then(answer => answer.json()).then(described => {
  const tags = {};
  for (const [path, methods] of Object.entries(described.paths))
    for (const [method, said] of Object.entries(methods)) (tags[said.tags[0]] ||= []).push([path, method, said]);
  for (const tag of Object.keys(tags).sort()) {
    make('h2', tag, document.getElementById('all'));
    for (const [path, method, said] of tags[tag]) operation(path, method, said, described.components.schemas);
  }
});
"""

_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; script-src 'sha256-{_HASH}'; style-src 'unsafe-inline'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(title: str, about: str) -> Response:
    """Return the page of an API."""
    name, said = html.escape(title), html.escape(about)
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title><style>{_STYLE}</style>'
        f"<h1>{name}</h1><p>{said}</p>"
        '<label>Token of a log-in or a key <input id="token" type="password" autocomplete="off"></label>'
        f'<div id="all"></div><script>{_SCRIPT}</script></html>'
    )
    return Response(text, headers={**HEADERS, "Content-Security-Policy": _POLICY}, media_type="text/html")
