/** Supervisor's configuration in the forms that its parser takes. Nothing of it is started by itself. */
export const MAIN = `
[include]
files = conf.d/*.conf
   %(here)s/more/*.ini conf.d/none/*.conf ; all of ours
; [program:commented]
# command=x
[group:app]
programs: web , worker,

  # the beat comes last
  beat ; of all
priority = 5
[program:web]
Command = /bin/true ; not this one
PRIORITY : 7
process_name = %(program_name)s_%(process_num)02d
numprocs = 2
autostart=off
startsecs = 30	; after a tab
environment = TOKEN="a-secret",
    priority="1",
    startsecs="2"
stopwaitsecs = 3600
`;

export const INCLUDED = {
  "conf.d/a.conf": `
[program:worker]
autostart=0
command=/bin/sh -c "echo a; echo b#c"
process_name=%(ENV_APP)s-%(group_name)s-%(process_num)d
numprocs=2
numprocs_start=1
startsecs=%(ENV_SECONDS)s
stopwaitsecs=60
autorestart=true
stdout_logfile=%(here)s/%(program_name)s.log
redirect_stderr=yes
[program:beat]
autostart=no
command=/bin/true
  [program:of_a_value]
exitcodes=0, 2
autorestart=FALSE
stderr_logfile=NONE
stdout_logfile=syslog
[program:web]
startsecs=31
`,
  "conf.d/b.conf": "[program:crlf]\r\ncommand=/bin/true\r\nstartsecs=4 ;x\r\nautostart=false\r\npriority=-3\r\n",
  "conf.d/c.conf.disabled": "[program:none]\ncommand=/bin/true\n",
  "more/x.ini": `[eventlistener:memmon]
autostart=false
command=/bin/true
events=TICK_60
[eventlistener:first]
autostart=false
command=/bin/true
events=PROCESS_STATE
priority=3
[fcgi-program:php]
autostart=false
command=/bin/true
socket=tcp://127.0.0.1:1
process_name=php_%(process_num)d
numprocs=2
priority=20
[program:hundred]
autostart=false
process_name=100%%
command=/bin/true
`,
} as const;
