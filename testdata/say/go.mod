module example.com/say

go 1.25.0

require hotreload v0.0.0

replace hotreload => ../..
