-- What is wrong with the code, as hotreload knows it: in the buffers, as diagnostics, and by :make.
local namespace, rest = vim.api.nvim_create_namespace('hotreload'), ''

local function show(problems)
  vim.diagnostic.reset(namespace)
  local lists = {}
  for _, p in ipairs(problems) do
    local buffer = vim.fn.bufadd(p.file or 'hotreload')
    lists[buffer] = lists[buffer] or {}
    table.insert(lists[buffer], { lnum = (p.line or 1) - 1, col = (p.column or 1) - 1, message = p.message,
      source = p.tool, severity = vim.diagnostic.severity.ERROR })
  end
  for buffer, list in pairs(lists) do vim.diagnostic.set(namespace, buffer, list) end
end

local job = vim.fn.jobstart({ 'hotreload', 'problems', '--follow', '--json' }, {
  on_stdout = function(_, lines) -- the last line is complete when the next one comes
    lines[1] = rest .. lines[1]
    rest = table.remove(lines)
    for _, line in ipairs(lines) do show(vim.json.decode(line).diagnostics) end
  end,
})

vim.o.makeprg = 'hotreload problems --wait'
vim.o.errorformat = '%f:%l:%c: %m,%f:%l: %m,%-G%.%#'

local found, dap = pcall(require, 'dap') -- nvim-dap
if found then
  dap.adapters.hotreload = { type = 'server', host = '127.0.0.1', port = 2345,
    options = { initialize_timeout_sec = 60 } } -- the first build for the debugger
  dap.configurations.go = dap.configurations.go or {}
  table.insert(dap.configurations.go, { type = 'hotreload', name = 'hotreload', request = 'attach', mode = 'remote' })
end

return { namespace = namespace, job = job }
