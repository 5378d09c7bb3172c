"""Gunicorn's settings: gunicorn --config gunicorn.conf.py site_app:make_app"""

bind = "unix:/run/site/gunicorn.sock"
chdir = "/srv/site"
pidfile = "/run/site/gunicorn.pid"
worker_class = "tercel.GunicornUVLoopWebWorker"
workers = 4
# Seconds for requests under way when a worker is to end; 80 % of them are the handlers'.
graceful_timeout = 60
# Seconds without a sign of life after which a worker counts as stuck.
timeout = 30
accesslog = "/var/log/site/access.log"
access_log_format = '%a %t "%r" %s %b "%{Referer}i" "%{User-Agent}i" %Tf'
errorlog = "/var/log/site/error.log"
